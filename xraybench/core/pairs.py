"""Pairs of name and value as people type them: on the command line, and in the text parameters of a notebook."""

from collections.abc import Iterable

from xraybench.core.errors import BadParameter


def pair(text: str) -> tuple[str, str]:
    """`name=value` taken apart; the value may hold further equals signs.

    Raises:
        BadParameter: It has no name, or no equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise BadParameter(f"'{text}' is not of the form name=value.")
    return name.strip(), value


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """Names with their values; blank texts are left out.

    Raises:
        BadParameter: Texts that are no pair, and names that are given twice; all at once.
    """
    found: dict[str, str] = {}
    faults = []
    for text in filter(str.strip, texts):
        try:
            name, value = pair(text)
        except BadParameter as error:
            faults.append(str(error))
            continue
        if name in found:
            faults.append(f"{name} is given twice, as '{found[name]}' and as '{value}'; give it once.")
        found[name] = value
    if faults:
        raise BadParameter("\n".join(faults))
    return found
