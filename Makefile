# make help lists the targets.
SHELL := /bin/bash
PORT ?= 8501
FORMATTED = Package.swift $(shell find Sources Tests Benchmarks -name '*.swift' ! -name '*.pb.swift')
TENSORFLOW := .build/tensorflow
CLIENTS := .build/clients
FUSE := .build/fuse
GRAPHS ?= 3000
SEED ?= 1000

.DEFAULT_GOAL := help
.PHONY: help setup serve build test test-release lint format test-sanitize test-tables test-differential test-clients test-tensorflow test-faults test-hostile fuzz bench race models fixtures docs protos clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the Debian packages that the build needs
	@scripts/setup.sh

serve: build ## Build, and serve models/ on 127.0.0.1:8501 (PORT=8502 for another port)
	.build/release/metaserve serve models --default-model tutorial --port $(PORT)

build: setup ## Build the release
	scripts/build-release.sh

test: setup lint ## Check the formatting, build, run all tests
	swift build --build-tests
	swift test --skip-build

test-release: build ## Send one request per route to the release program; finds faults that only -O causes
	@nm -D .build/release/metaserve | grep -q ' T recv$$' || { echo "metaserve does not export recv, so large bodies are copied: look at the options of scripts/build-release.sh" >&2; exit 1; }
	swift build --build-tests
	METASERVE_PROGRAM=$(CURDIR)/.build/release/metaserve swift test --skip-build --filter 'RouteSmokeTests|ServeTests|CommandTests|CommandLineTests|DocumentTests'

lint: setup ## Check the formatting
	@swift format lint --strict --configuration .swift-format $(FORMATTED)

format: setup ## Format the sources
	@swift format format --in-place --configuration .swift-format $(FORMATTED)

test-sanitize: setup ## Run the tests under the address and the thread sanitizer
	LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/leak-sanitizer.supp swift test --sanitize=address --scratch-path .build/address
	TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/thread-sanitizer.supp swift test --sanitize=thread --scratch-path .build/thread

test-tables: ## Run the tests of the lock-free tables and pools under the thread sanitizer
	METASERVE_TABLES=1 TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/thread-sanitizer.supp swift test --sanitize=thread --scratch-path .build/tables

test-differential: setup $(TENSORFLOW) ## Compare random graphs with TensorFlow (GRAPHS=3000 SEED=1000)
	$(TENSORFLOW)/bin/python Tests/Fixtures/generator/differential.py .build/differential.graphs $(GRAPHS) $(SEED)
	METASERVE_GRAPHS=$(CURDIR)/.build/differential.graphs swift test --filter DifferentialTests

test-tensorflow: setup $(TENSORFLOW) ## Read with TensorFlow what metaserve has saved
	METASERVE_SAVED=$(CURDIR)/.build/saved swift test --filter ReadBackTests
	$(TENSORFLOW)/bin/python Tests/TensorFlow/read_back.py .build/saved

test-clients: setup $(CLIENTS)/installed ## Test with third-party clients (PyPI): Triton's, schemathesis, Prometheus' parser; alerts with promtool
	@scripts/setup.sh prometheus
	swift test --filter 'ClientTests|AlertTests'

test-faults: build $(TENSORFLOW) $(FUSE) ## Run the faults of docs/faults.md against a running server, and write its table (45 minutes)
	swift build --build-tests
	METASERVE_FAULTS=full METASERVE_PROGRAM=$(CURDIR)/.build/release/metaserve \
	METASERVE_TENSORFLOW=$(CURDIR)/$(TENSORFLOW)/bin/python METASERVE_FUSE=$(CURDIR)/$(FUSE)/bin/python \
	swift test --skip-build --no-parallel --filter FaultTests

test-hostile: build ## Run the attacks of docs/hostile.md against a running server, and write its table (10 minutes)
	swift build --build-tests
	PRODUCT=memory-trial scripts/build-release.sh
	METASERVE_HOSTILE=full METASERVE_PROGRAM=$(CURDIR)/.build/release/metaserve \
	swift test --skip-build --no-parallel --filter 'HostileTests'

fuzz: setup ## Fuzz all readers of hostile bytes, SECONDS=3600 each; READERS="table bundle" for some; see CONTRIBUTING.md
	scripts/fuzz.sh $(or $(SECONDS),3600) $(READERS)

bench: build ## Measure load and start, also beside FastAPI with ONNX Runtime (PyPI, 20 minutes); see Benchmarks/README.md
	@scripts/setup.sh gcc python3-venv wrk
	Benchmarks/load.sh
	Benchmarks/start.sh
	Benchmarks/fastapi.sh

race: build ## Run ten models with metaserve, TensorFlow, ONNX Runtime, OpenVINO and LiteRT in turns (PyPI, 15 minutes)
	@scripts/setup.sh python3-venv
	Benchmarks/race.sh

models: $(TENSORFLOW) ## Train models/ again (TensorFlow from PyPI)
	$(TENSORFLOW)/bin/python models/train.py

fixtures: $(TENSORFLOW) ## Generate the test fixtures again; FAMILIES="elementwise casting" for some (TensorFlow from PyPI)
	$(TENSORFLOW)/bin/python Tests/Fixtures/generate.py $(FAMILIES)

$(TENSORFLOW):
	@scripts/setup.sh python3-venv
	python3 -m venv $@
	$@/bin/pip install --quiet tensorflow==2.21.0 scikit-learn || { rm -rf $@; exit 1; }

$(FUSE):
	@scripts/setup.sh python3-venv fuse3
	python3 -m venv $@
	$@/bin/pip install --quiet mfusepy==3.1.1 || { rm -rf $@; exit 1; }

$(CLIENTS)/installed: Tests/Clients/requirements.txt
	@scripts/setup.sh python3-venv
	python3 -m venv --clear $(CLIENTS)
	$(CLIENTS)/bin/pip install --quiet -r $<
	@Tests/Clients/get-perf-analyzer.sh $(CLIENTS)/perf
	@touch $@

docs: ## Generate docs/ops.md and docs/expressions.md
	scripts/write-ops.sh

protos: ## Generate the Swift code of the protobuf messages
	Sources/TensorFlowProtos/regenerate.sh

clean: ## Remove all build products
	rm -rf .build
