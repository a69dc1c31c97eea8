# Closecast: the daily commands. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
PACKAGES := packages/closecast packages/local packages/backtest packages/tuning services/ingestor services/trainer services/predictor
INSTALLED := $(VENV)/.installed

##@ Use
.PHONY: demo
demo: $(INSTALLED) ## Run the whole system on this machine (ARGS=--once ends after the forecasts)
	@$(BIN)/closecast demo $(ARGS)

.PHONY: clean
clean: ## Remove the state of the demo
	@if [ -x $(BIN)/closecast ]; then $(BIN)/closecast stop; fi
	rm -rf .closecast

##@ Develop
.PHONY: install
install: $(INSTALLED) ## Install everything that is pinned into .venv

.PHONY: lint
lint: $(INSTALLED) ## Style, types and the boundaries between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy packages services tests benchmarks docs charts/generate.py charts/dashboards
	$(BIN)/lint-imports
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-pages; \
	  else echo "no npm here: the pages' JavaScript and CSS go unchecked"; test "$${CLOSECAST_REQUIRE_ALL:-}" != 1; fi

.PHONY: format
format: $(INSTALLED) ## Format the code and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: test
test: $(INSTALLED) ## All tests that need no cluster: unit, contract, integration
	$(BIN)/pytest -m "not cluster" $(ARGS)

.PHONY: test-fast
test-fast: $(INSTALLED) ## Only the tests that need no broker, MLflow, Ray, browser or Helm
	$(BIN)/pytest -m "not kafka and not mlflow and not ray and not browser and not charts and not cluster and not slow" $(ARGS)

.PHONY: fuzz
fuzz: $(INSTALLED) ## Thousands of random requests, bodies and files (TIMES=n for more or fewer)
	FUZZ_TIMES=$(or $(TIMES),50) $(BIN)/pytest -m fuzz --timeout=0 --show-capture=no $(ARGS)

.PHONY: bench
bench: $(INSTALLED) ## Performance as ratios against peers; writes benchmarks/results/
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: docs
docs: $(INSTALLED) ## Regenerate docs/asyncapi.json and docs/openapi.json from the code
	$(BIN)/python docs/generate.py

##@ Pages
PREDICTOR := services/predictor
VENDOR := $(PREDICTOR)/src/closecast_predictor/pages/assets/vendor
LIBRARIES := lit-html/LICENSE lit-html/lit-html.js lit-html/directive.js lit-html/directive-helpers.js \
  lit-html/directives/live.js lit-html/directives/repeat.js \
  uplot/LICENSE uplot/dist/uPlot.iife.min.js uplot/dist/uPlot.min.css
NODE_MODULES := $(PREDICTOR)/node_modules/.package-lock.json

.PHONY: assets
assets: $(NODE_MODULES) ## Fetch the pinned libraries of the pages from npm again
	rm -rf $(VENDOR)
	mkdir -p $(VENDOR)/lit-html/directives $(VENDOR)/uplot
	for file in $(LIBRARIES); do cp $(PREDICTOR)/node_modules/$$file $(VENDOR)/$${file/dist\//}; done

.PHONY: lint-pages
lint-pages: $(NODE_MODULES) ## Style of the pages' JavaScript and CSS (needs Node.js)
	cd $(PREDICTOR) && npm run --silent lint

$(NODE_MODULES): $(PREDICTOR)/package-lock.json
	cd $(PREDICTOR) && npm ci --silent

include charts/charts.mk
include k8s/k8s.mk

##@ Dependencies
.PHONY: lock
lock: $(UV) ## Pin all dependencies anew into the files requirements*.txt
	$(COMPILE) --all-extras --group pyproject.toml:dev $(addsuffix /pyproject.toml,$(PACKAGES)) -o requirements.txt
	$(COMPILE) --group pyproject.toml:build -o requirements-build.txt
	for service in $(SERVICES); do \
	  $(COMPILE) services/$$service/pyproject.toml --constraint requirements.txt -o services/$$service/requirements.txt; \
	done
	cd services/trainer && awk '/^[a-z]/ {torch = /^(torch|triton|cuda-|nvidia-)/ && !/^nvidia-ml-py=/} \
	  {print > (torch ? "requirements-torch.txt" : ".requirements.txt")}' requirements.txt && mv .requirements.txt requirements.txt

SERVICES := ingestor trainer predictor
WORKSPACE := closecast closecast-local closecast-backtest closecast-tuning $(addprefix closecast-,$(SERVICES))
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
  --no-annotate $(addprefix --no-emit-package ,$(WORKSPACE))

$(INSTALLED): requirements.txt $(addsuffix /pyproject.toml,$(PACKAGES)) | $(UV)
	@echo "installing into $(VENV) (several GB the first time, torch among them)"
	@$(UV) venv --quiet --allow-existing --python ">=3.11,<3.15" $(VENV)
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps $(addprefix -e ,$(PACKAGES))
	@touch $@

.tools/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Closecast needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "bringing uv into .tools"
	@$(PYTHON) -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-build.txt

##@ Images
BUILDER ?= docker build
REGISTRY ?=
TAG ?= $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)
SOURCE ?= $(shell git remote get-url origin 2>/dev/null | sed -E 's|//[^/@]*@|//|')
IMAGES := $(addprefix image-,$(SERVICES))

.PHONY: images $(IMAGES)
images: $(IMAGES) ## Build the services' images (BUILDER="docker build" REGISTRY= TAG=version FLAGS=)

$(IMAGES): image-%: services/%/Dockerfile
	$(BUILDER) --file $< --tag $(addsuffix /,$(REGISTRY))closecast/$*:$(TAG) \
	  --build-arg VERSION=$(TAG) --build-arg REVISION=$(REVISION) --build-arg SOURCE=$(SOURCE) $(FLAGS) .

# Command that brings an image to the nodes, such as "kind load docker-image"; none where the cluster pulls it itself
IMAGE_LOADER ?=

.PHONY: e2e
e2e: $(INSTALLED) charts-deps $(IMAGES) ## The whole system on the cluster of KUBECONFIG (IMAGES= uses images that are there)
	$(if $(IMAGE_LOADER),for service in $(SERVICES); do $(IMAGE_LOADER) $(addsuffix /,$(REGISTRY))closecast/$$service:$(TAG); done)
	IMAGES_PREFIX=$(addsuffix /,$(REGISTRY)) IMAGES_TAG=$(TAG) $(BIN)/pytest -m cluster --log-cli-level=INFO $(ARGS)

.PHONY: load
load: $(INSTALLED) charts-deps ## The system under load on that cluster, while replicas come, go and die; writes docs/load.svg
	IMAGES_PREFIX=$(addsuffix /,$(REGISTRY)) IMAGES_TAG=$(TAG) $(BIN)/python -m tests.load

##@ Help
.PHONY: help
help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
