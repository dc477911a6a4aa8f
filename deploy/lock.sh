#!/bin/sh
# Compiles the three pinned requirements files from pyproject.toml. The widest set is resolved first
# and constrains the others, so one package never has two versions.
#   requirements-dev.txt  everything: tests, linters, the embedded Redis
#   requirements-run.txt  what `make run` needs: the program, the embedded Redis, the build backend
#   requirements.txt      what the container image needs
set -eu
compile() {
  uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header --no-annotate --quiet "$@"
}
compile --extra embedded --group build --group test --group lint -o requirements-dev.txt
compile --extra embedded --group build -c requirements-dev.txt -o requirements-run.txt
compile --group build -c requirements-dev.txt -o requirements.txt
