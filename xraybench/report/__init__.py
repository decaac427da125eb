"""What people read: result files as tables and figures, model cards, the leaderboard."""
