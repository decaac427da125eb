#!/usr/bin/env bash
# Makes .venv with xraybench and the versions of constraints.txt in it. Safe to repeat, and to repeat after an
# interruption. `make setup` calls it once; VENV=folder and PYTHON=interpreter choose others.
set -euo pipefail
cd "$(dirname "$0")"
export PYTHONDONTWRITEBYTECODE= # empty is off: without bytecode every start of torch costs 15 s of CPU, not 5
venv=${VENV:-.venv}
python=${PYTHON:-python3}

stop() { printf 'setup: %s\n' "$*" >&2; exit 2; }

command -v "$python" >/dev/null || stop "no $python here. Install Python 3.11 or later, or name one: PYTHON=python3.12 make setup"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || stop "$("$python" --version) is too old: xraybench needs 3.11 or later. Name a newer one: PYTHON=python3.12 make setup"

unfinished=$venv/.unfinished # stands there while packages are laid down: one cut off half-way may look whole
if [ -e "$unfinished" ] || ! "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null; then
    [ ! -e "$venv" ] || [ -e "$venv/pyvenv.cfg" ] || stop "$venv is there and is no virtual environment; name another: VENV=folder"
    "$python" -c 'import ensurepip, venv' 2>/dev/null \
        || stop "this Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
    "$python" -m venv --clear "$venv"
fi
touch "$unfinished"
pip=("$venv/bin/python" -m pip)

# uv takes a fraction of pip's time. It does not read pip's settings, so it is handed the two that decide where
# packages come from; pip itself reads them, and is what we fall back to.
setting() { "${pip[@]}" config get "global.$1" 2>/dev/null || true; }
links=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$(setting find-links)}}
index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$(setting index-url)}}
with_uv() {
    "${pip[@]}" install -qq "uv>=0.9,<1" || return 1
    UV_FIND_LINKS=$(tr -s ' \n' ',' <<<"$links" | sed 's/^,//; s/,$//') UV_DEFAULT_INDEX=$index \
        "$venv/bin/uv" pip install -q --python "$venv/bin/python" -c constraints.txt -e ".[dev]"
}
if ! with_uv; then
    echo "setup: uv could not install it; pip tries now, which takes minutes" >&2
    "${pip[@]}" install -q -c constraints.txt -e ".[dev]"
fi
rm "$unfinished"
"$venv/bin/python" - "$venv" <<'END'
import sys
from importlib.metadata import version

print(f"setup: xraybench {version('xraybench')} with torch {version('torch')} is in {sys.argv[1]}", file=sys.stderr)
END
