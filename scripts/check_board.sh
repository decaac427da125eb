#!/usr/bin/env bash
# What CI asks of a pull request, on any machine and without a network: is every published number what the kept predictions
# give, is the site the byte-identical product of the numbers, do the model cards hold, and what changed since BASE?
#
#   scripts/check_board.sh [BASE]     BASE: a git revision or a board folder; left out, origin/main where there is one
#   BOARD=leaderboards  OUT=runs/board-check  RECOMPUTE=yes  XRAYBENCH=.venv/bin/xraybench     what else can be told
#
# Writes OUT/site, built anew, and OUT/changes.md, the verdict and the changes. Exit code 0: all holds; 1: something does
# not, and is named; 2: the input was wrong.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
board=${BOARD:-leaderboards}
out=${OUT:-runs/board-check}
xraybench=${XRAYBENCH:-.venv/bin/xraybench}
base=${1-}
if [ $# -eq 0 ] && git rev-parse -q --verify origin/main >/dev/null 2>&1; then base=origin/main; fi

stop() { printf 'check_board: %s\n' "$*" >&2; exit 2; }
[ -d "$board/results" ] || stop "$board holds no results; name a board: BOARD=folder"
command -v "$xraybench" >/dev/null || stop "no $xraybench here; run: make setup"
mkdir -p "$out" || stop "$out cannot be made"
summary=$out/changes.md
printf '# The board of this change\n\n' >"$summary" || stop "$summary cannot be written"

# short TEXT: what matters of a long answer; `card check` also tells fields that are open, which is no fault.
short() {
    local kept
    kept=$(grep -v '^open ' <<<"$1")
    head -n 40 <<<"$kept"
    if [ "$(wc -l <<<"$kept")" -gt 40 ]; then echo "... the rest stands in the log"; fi
}

# ask WHAT COMMAND...: run it, note in the summary whether it held, with its own words where it did not.
verdict=0
ask() {
    local what=$1 told
    shift
    if told=$("$@" 2>&1); then
        printf -- '- holds: %s\n' "$what" >>"$summary"
        printf 'check_board: holds: %s\n' "$what" >&2
    else
        printf -- '- **fails: %s**\n\n```\n%s\n```\n\n' "$what" "$(short "$told")" >>"$summary"
        printf 'check_board: fails: %s\n%s\n' "$what" "$told" >&2
        verdict=1
    fi
}

again=()
numbers="the site is the byte-identical product of the results"
if [ "${RECOMPUTE:-yes}" = yes ]; then
    again=(--recompute)
    numbers="every result and rank set is what the kept predictions give, and $numbers"
fi
ask "$numbers" "$xraybench" leaderboard check ${again[@]+"${again[@]}"} --board "$board"
if [ -d "$board/../model_cards" ]; then
    ask "no model card says what the results do not" "$xraybench" card check --board "$board"
fi

# The site once more, from a copy of what it is made from: what is looked at is then what the results give.
rm -rf "$out/board" "$out/site"
mkdir -p "$out/board"
for part in results models; do
    [ ! -d "$board/$part" ] || cp -R "$board/$part" "$out/board/$part"
done
ask "the site can be built from the results" "$xraybench" leaderboard build --board "$out/board"
[ ! -d "$out/board/site" ] || mv "$out/board/site" "$out/site"
rm -rf "$out/board"

echo >>"$summary"
if [ -n "$base" ]; then
    if told=$("$xraybench" leaderboard diff --base "$base" --board "$board" 2>&1); then
        printf '%s\n' "$told" >>"$summary"
    else # such as a base whose results are of another schema: no reason to refuse what is here
        printf 'There is no comparison with %s:\n\n```\n%s\n```\n' "$base" "$told" >>"$summary"
    fi
fi
printf 'check_board: %s and %s are written\n' "$summary" "$out/site" >&2
exit "$verdict"
