# Each target installs what it needs; a second run installs nothing again. `make help` prints these lines:
#   make demo    opens the viewer on the demo, or records it where there is no display; installs only the app
#   make test    runs every test (or some of them: ARGS="tests/ui -x")
#   make check   runs ruff, mypy and import-linter
#   make setup   installs everything, and runs nothing
#   make bench   prints the figures that the README quotes
#   make model   retrains the embedded model (hours; a trial: ARGS="--subset 60 --steps 20")
#   make lock    renews requirements.txt and requirements-dev.txt
#   make clean   removes .venv, build files and out/

RUN := .venv/.setup-run
ALL := .venv/.setup-all
SETUP := pyproject.toml setup.py scripts/setup.sh scripts/system-libraries.sh
BIN := .venv/bin

.PHONY: help demo test check setup bench model lock clean
.DELETE_ON_ERROR:
# Tests start hundreds of processes; without its bytecode each would compile torch anew, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' $(firstword $(MAKEFILE_LIST))

demo: $(RUN)
	@$(BIN)/python scripts/demo.py

test: $(ALL)
	@scripts/system-libraries.sh test
	@$(if $(ARGS),:,echo "make test: every test; 12 to 20 minutes on two cores")
	@$(if $(ARGS),$(BIN)/python -m pytest $(ARGS),scripts/tests.sh)

check: $(ALL)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(ALL)

bench: $(ALL)
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

model: $(ALL)
	@$(BIN)/python scripts/model.py $(ARGS)

$(RUN): requirements.txt $(SETUP)
	@scripts/setup.sh run

$(ALL): requirements.txt requirements-dev.txt $(SETUP)
	@scripts/setup.sh all

# Locks the versions for every supported Python: first for the app alone, then, with the same versions, for everything.
# Each torchvision works only with the torch that it was built for.
COMPILE = $(BIN)/uv pip compile --universal --python-version 3.10 --no-annotate --custom-compile-command "make lock"
lock: $(ALL)
	$(COMPILE) --upgrade pyproject.toml -o requirements.txt
	{ cat requirements.txt; printf 'torch==2.14.1\ntorchvision==0.29.1\n'; } > build-constraints.txt
	$(COMPILE) --upgrade --extra dev --constraint build-constraints.txt pyproject.toml -o requirements-dev.txt
	rm build-constraints.txt

clean:
	rm -rf .venv build dist out *.egg-info
