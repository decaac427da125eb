"""The words, records and rules that everything else is built on. Imports nothing of ours from outside this folder."""
