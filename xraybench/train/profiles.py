"""How long to train in each profile: the same for every network of a board, so that none is favoured."""

from xraybench.core.errors import UnknownName
from xraybench.core.registry import did_you_mean

# Passes over the training scans. quick is what two cores do in minutes; full is where the loss has settled.
_EPOCHS = {"smoke": 2.0, "quick": 6.0, "full": 12.0}


def epochs_of(profile: str) -> float:
    """Passes over the training scans.

    Raises:
        UnknownName: No such profile.
    """
    if profile not in _EPOCHS:
        raise UnknownName(f"No profile is called '{profile}'. {did_you_mean(profile, list(_EPOCHS))}")
    return _EPOCHS[profile]
