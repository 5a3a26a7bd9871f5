# Needs a Debian machine with python3 (3.11 or later), gcc and make; installs the rest itself.
.DEFAULT_GOAL := help
.PHONY: help setup tools types demo test test-all lint benchmarks recipes retrain clean
SHELL := /bin/bash

VENV := .venv
PYTHON := $(VENV)/bin/python
PACKAGES := gcc g++ libc6-dev python3-venv gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
	clang-19 lld-19 gcc-riscv64-unknown-elf qemu-system-misc yosys
PROGRAMS := gcc g++ arm-none-eabi-gcc qemu-system-arm clang-19 ld.lld-19 riscv64-unknown-elf-gcc clang++-19 qemu-system-riscv32 yosys
DEMO := build/demo
DIGITS := examples/digits

help: ## Say what each command does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

setup: tools $(VENV)/installed types ## Make .venv with the tested versions and install the tools

tools: # The compilers and the simulator, by apt-get, when one of them is missing
	@if [ "$$(command -v $(PROGRAMS) | wc -l)" = $(words $(PROGRAMS)) ] \
		&& [ -e /usr/lib/arm-none-eabi/include/newlib.h -o -e /usr/include/newlib/newlib.h ] && python3 -c 'import ensurepip' 2>/dev/null; then exit 0; fi; \
	sudo=; if [ "$$(id -u)" != 0 ]; then sudo=sudo; fi; \
	echo "installing with apt-get: $(PACKAGES)"; \
	$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES) >/dev/null

$(VENV)/installed: requirements.lock pyproject.toml setup.py
	@echo "installing into $(VENV): the versions of requirements.lock"
	@test -x $(PYTHON) || python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

types: # Links through which mypy sees the folders as packages of tapeout
	@mkdir -p build/types/tapeout
	@for part in compiler targets quant cosim; do ln -sfn ../../../$$part build/types/tapeout/$$part; done

demo: setup ## Compile the digits network for a Cortex-M4 board, co-simulate it, print the report
	@echo; echo "== compile: a float network, quantized with 200 images, for NUCLEO-L4R5ZI with budgets"
	$(VENV)/bin/tapeout compile $(DIGITS)/digits.onnx --board nucleo-l4r5zi --calibrate $(DIGITS)/digits_calibration.npz \
		--budget flash=24k,ram=8k,instructions=4M -o $(DEMO)
	@echo; echo "== cosim: the same C on the host, under sanitizers, and as Cortex-M4 firmware in QEMU"
	$(VENV)/bin/tapeout cosim $(DEMO) --inputs $(DIGITS)/digits_test.npz --engines reference,host,host-asan,qemu \
		--threshold accuracy=0.95,top1_agreement=0.97
	@echo; echo "the C is in $(DEMO)/cortex-m4, every figure in $(DEMO)/report.json"

# One thread for each test: threads that wait for each other on busy cores make training many times slower.
test: setup lint ## Lint, type-check and run the tests (some eighteen minutes on two cores)
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest -q -n 2 -m "not long"

test-all: setup lint ## Run the long tests too
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest -q -n 2

lint: setup ## Run ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

benchmarks: setup ## Measure the MLPerf Tiny networks again; fails if a count is 1 % above benchmarks/cortexm.json or riscv.json (needs the models of TAPEOUT_ZOO)
	$(PYTHON) benchmarks/mlperf_tiny.py > build/mlperf_tiny.md && mv build/mlperf_tiny.md benchmarks/
	$(PYTHON) benchmarks/cortexm.py --check
	$(PYTHON) -m benchmarks.riscv --check
	$(PYTHON) -m benchmarks.widths --check

recipes: setup ## Retrain the networks of examples/recipes in every recipe and write benchmarks/recipes.md (an hour; data in TAPEOUT_ZOO)
	$(PYTHON) -m benchmarks.recipes > build/recipes.md && mv build/recipes.md benchmarks/recipes.md

retrain: setup ## Train the digits network of the demo again
	$(PYTHON) $(DIGITS)/train.py

clean: ## Remove what make made
	rm -rf build $(VENV) *.egg-info
