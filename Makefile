# Each target sets up what it needs; a second run does nothing twice.
#   make demo    opens the viewer on the demo (or, without a display, records it)
#   make test    runs every test          make check   runs ruff, mypy and import-linter
#   make setup   only the set-up          make bench   prints the figures that the README quotes
#   make model   trains the embedded model anew (hours; ARGS="--subset 60 --steps 20" is a trial)

STAMP := .venv/.setup-complete
BIN := .venv/bin

.PHONY: demo test check setup bench model lock clean
.DELETE_ON_ERROR:

demo: $(STAMP)
	@$(BIN)/python scripts/demo.py

test: $(STAMP)
	@scripts/system-libraries.sh test
	@$(BIN)/python -m pytest $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(STAMP)

bench: $(STAMP)
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

model: $(STAMP)
	@$(BIN)/python scripts/model.py $(ARGS)

$(STAMP): requirements.txt pyproject.toml setup.py scripts/setup.sh scripts/system-libraries.sh
	@scripts/setup.sh

# Locks versions for every supported Python. torchvision only works with the torch that it was built for.
lock: $(STAMP)
	printf 'torch==2.14.1\ntorchvision==0.29.1\n' > build-constraints.txt
	$(BIN)/uv pip compile --universal --python-version 3.10 --extra dev --no-annotate \
	    --custom-compile-command "make lock" --constraint build-constraints.txt pyproject.toml -o requirements.txt
	rm build-constraints.txt

clean:
	rm -rf .venv build dist out *.egg-info
