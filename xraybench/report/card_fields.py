"""The 27 fields of a card, filled: people's words, facts of files, numbers that name their result. Nothing is invented."""

from collections.abc import Sequence

from xraybench.core.cards import (
    FIELDS,
    REQUIRED,
    CardData,
    CardFact,
    CardField,
    CardNumber,
    CardWord,
    FieldState,
    ModelCard,
    ResultReference,
)
from xraybench.core.documents import ModelSignature
from xraybench.core.errors import BadFile
from xraybench.report import text
from xraybench.report.card_facts import facts_of
from xraybench.report.card_numbers import numbers_of
from xraybench.report.card_sources import Kept, Sources, gather
from xraybench.report.card_words import gaps_of, quote, unsaid


def compile_card(words: CardData, kept: Sequence[Kept], signature: ModelSignature | None) -> ModelCard:
    """Fill the 27 fields: a pure function of the words, the results and the signature.

    Raises:
        BadFile: The words quote a row that no result has, the signature's training table is broken, or the results do
            not make a board.
    """
    sources = gather(words, kept, signature)
    told = _words(sources)
    facts = [fact for field in FIELDS for fact in facts_of(field, sources)]
    numbers = [number for field in FIELDS for number in numbers_of(field, sources)]
    states = [_state(n, field, words, facts, numbers) for n, field in enumerate(FIELDS, start=1)]
    kinds = sorted({body.is_simulated for body in sources.bodies}, reverse=True)
    return ModelCard(
        model=words.model,
        title=words.title.strip() or words.model,
        notices=[text.HONESTY_SIMULATED if is_simulated else text.HONESTY_REAL for is_simulated in kinds],
        gaps=gaps_of(words),
        unsaid=unsaid(words),
        fields=states,
        words=told,
        facts=facts,
        numbers=numbers,
        results=_references(sources, told, numbers),
        lineage=sources.lineage,
    )


def _words(sources: Sources) -> list[CardWord]:
    files = {k.stem: k.file for k in sources.kept}
    told: list[CardWord] = []
    faults: list[str] = []
    for field in FIELDS:
        for name in field.words:
            quoted = quote(getattr(sources.words, name).strip(), files)
            faults += [f"{name}: {fault}" for fault in quoted.faults]
            told.append(CardWord(field=field.key, name=name, text=quoted.text, references=list(quoted.references)))
    if faults:
        count = f"{len(faults)} broken reference{'s' if len(faults) > 1 else ''}"
        raise BadFile(f"{sources.words.model}.toml: {count}\n  " + "\n  ".join(faults))
    return told


def _references(sources: Sources, told: Sequence[CardWord], numbers: Sequence[CardNumber]) -> list[ResultReference]:
    """The result files that something on the card was taken from, and the main one of every body of data."""
    used = {number.result for number in numbers} | {body.main.path for body in sources.bodies}
    quoted = {reference.split()[1] for word in told for reference in word.references}
    return [
        ResultReference(
            path=kept.path,
            digest=kept.digest,
            task=kept.file.task,
            body=body.title,
            track=kept.file.track,
            is_simulated=kept.file.is_simulated,
            profile=kept.file.profile,
            seed=kept.file.seed,
            corpora=kept.file.corpora,
            predictions_digest=kept.file.predictions_digest,
            code_digest=kept.file.code_digest,
            version=kept.file.version,
        )
        for body in sources.bodies
        for kept in body.kept.values()
        if kept.path in used or kept.stem in quoted
    ]


def _state(
    number: int, field: CardField, words: CardData, facts: Sequence[CardFact], numbers: Sequence[CardNumber]
) -> FieldState:
    empty = [name for name in field.words if not getattr(words, name).strip()]
    mine = [fact for fact in facts if fact.field == field.key]
    missing = [fact for fact in mine if fact.value.startswith(text.NOT_AVAILABLE)]
    has_any = len(empty) < len(field.words) or len(missing) < len(mine) or any(n.field == field.key for n in numbers)
    lacking = [name for name in empty if name in REQUIRED]
    reasons = [f"the vendor left {text.listed([f'`{name}`' for name in empty])} empty"] if empty else []
    reasons += [f"{fact.name}: {fact.value}" for fact in missing]
    state = "gap" if lacking else "n/a" if not has_any else "partly" if reasons else "filled"
    described = {"key": field.key, "title": field.title, "asked_by": field.asked_by, "filled_by": field.filled_by}
    return FieldState.model_validate({"number": number, **described, "state": state, "reason": "; ".join(reasons)})
