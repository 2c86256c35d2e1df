# Every command of the book. `make` lists them.

CHAPTERS := $(sort $(wildcard chapters/*.nw))
PRESS := press/tangle press/expand press/lint.awk press/roots.awk press/replace.awk
JOBS := $(shell nproc)
BUILD := $(MAKE) --no-print-directory -j$(JOBS) -f tests/build.mk
WEAVE := press/weave $(wildcard press/*.lua press/*.awk) press/page.html press/style.css press/index.md \
  press/chart press/chart.gp $(wildcard press/site/*) press/package-lock.json build/live/modules.js build/schedules.done
CHECK_NEEDS := clang:clang gdb:gdb spin:spin aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu \
  /usr/aarch64-linux-gnu/include/stdio.h:libc6-dev-arm64-cross shellcheck:shellcheck \
  node:nodejs npm:npm git:git strace:strace chromium:chromium \
  valgrind:valgrind bwrap:bubblewrap parallel:parallel xmllint:libxml2-utils zip:zip unzip:unzip \
  java:default-jre-headless /usr/bin/epubcheck:epubcheck
SITE_NEEDS := pandoc:pandoc dot:graphviz gnuplot:gnuplot-nox ctags:universal-ctags
RECORDERS := $(shell grep -ls hook_write tests/[0-9]*/plain/*.c tests/[0-9]*/plain/*/*.c)
LIVE_NEEDS := clang:clang wasm-ld:lld llvm-ar:llvm /usr/include/wasm32-wasi:wasi-libc \
  /usr/lib/llvm-14/lib/clang/14.0.6/lib/wasi/libclang_rt.builtins-wasm32.a:libclang-rt-14-dev-wasm32
# Chapters that have wrong allocators.
LABS := $(notdir $(wildcard labs/wrong/*))
# Whatever begins with #!/bin/sh.
SCRIPTS = $(shell grep -lrE '^\#!/bin/sh' .ci press tests labs)
# The tests of the press, of the judge, of the pages and of the grader.
PROOFS = $(filter-out %.tsv %/broken %-fixture,$(wildcard tests/press/*)) tests/judge/test tests/bench/test tests/runner $(wildcard tests/site/*.js) \
  tests/site/take-away $(wildcard tests/labs/*) tests/05-percpu/programs/lua
CC_NEEDS := gcc:gcc /usr/include/stdio.h:libc6-dev
TEST_NEEDS := $(CC_NEEDS) /usr/include/criterion/criterion.h:libcriterion-dev

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z.]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile

### The book as C

tangle: build/tangle.done  ## write the book's C to tangled/
build/tangle.done: $(CHAPTERS) $(PRESS) chapters
	@press/need noweb:noweb gawk:gawk
	@mkdir -p build
	press/tangle tangled build/lines $(CHAPTERS)
	@touch $@

heaps: tangle  ## compile every allocator and program to build/
	@press/need $(CC_NEEDS)
	@$(BUILD) heaps programs

### The book as pages

site: heaps  ## write the book as web pages to site/
	@press/need $(SITE_NEEDS)
	@press/npm site
	@press/need $(LIVE_NEEDS)
	@$(MAKE) --no-print-directory -j$(JOBS) -f press/live/live.mk
	@$(MAKE) --no-print-directory build/schedules.done
	@$(MAKE) --no-print-directory build/site.done
	@echo "open site/index.html"
build/site.done: build/tangle.done build/commit $(WEAVE) build/bin/judge chapters/refs.bib chapters/glossary.md $(wildcard results/*.tsv)
	press/weave -c build/lines site $(CHAPTERS)
	@touch $@

# The commit stands at the foot of each page.
build/commit: always
	@git log -1 --format=%h > $@.now 2> /dev/null || :
	@cmp -s $@.now $@ || cp $@.now $@
always:

# The schedules that tests force and record.
build/schedules.done: build/tangle.done $(RECORDERS) $(wildcard tests/hooks.*)
	@$(BUILD) CONFIG=test $(RECORDERS:%.c=build/test/%)
	@for program in $(RECORDERS:%.c=build/test/%); do timeout -k 5 60 $$program > $$program.said || exit 1; done
	@touch $@

# One page, for authors: make site/01-bump.html
site/%.html: chapters/%.nw heaps
	press/weave -c build/lines site $* $(CHAPTERS)

serve: site  ## show the pages at http://localhost:8000/, and make them anew while one writes
	press/serve

# The book on one page that needs nothing beside it: build/book/book.html
onepage: heaps  ## write the whole book as one page, to keep
	@press/need $(SITE_NEEDS)
	@press/npm site
	press/weave -c build/lines build/book book $(CHAPTERS)
	cp build/book/book.html build/building-malloc.html

epub: heaps  ## write the book for a reading device
	@press/need $(SITE_NEEDS) zip:zip
	@press/npm site
	press/epub build/building-malloc.epub build/lines $(CHAPTERS)

pdf: onepage  ## print the book
	@press/need chromium:chromium
	press/pdf build/building-malloc.html build/building-malloc.pdf

release: site  ## note the anchors of the site, which have to stay from now on
	press/anchors site press/anchors.txt release

### The labs

# With what the trees of a commit are made, and what a lab needs.
tags:  ## make the tags of the labs and build/labs.bundle from the last commit
	@press/need git:git noweb:noweb gawk:gawk pandoc:pandoc $(TEST_NEEDS)
	press/tags

labs.bundle: tags  ## the labs in one file that git can fetch from

wrong: heaps  ## show that every wrong allocator is rejected (AUTO=1: mutants too)
	@press/need $(TEST_NEEDS)
	@$(BUILD) CONFIG=test suites
	@labs/reject $(LABS)
	@$(if $(AUTO),labs/mutants $(LABS))

grade-all: tangle  ## grade all submissions in a folder (DIR=folder LAB=01-bump)
	@press/need $(TEST_NEEDS) parallel:parallel $(if $(UNSAFE),,bwrap:bubblewrap) pandoc:pandoc
	@labs/grade-all $(or $(LAB),$(error LAB is missing: make grade-all DIR=submissions/ LAB=01-bump)) $(or $(DIR),$(error DIR is missing))

gradescope: tangle  ## make an autograder for Gradescope (LAB=01-bump)
	@press/need pandoc:pandoc zip:zip
	@labs/gradescope $(or $(LAB),$(error LAB is missing: make gradescope LAB=01-bump))

### The book proved

test: heaps  ## compile all allocators and run their tests
	@press/need $(TEST_NEEDS)
	@$(BUILD) CONFIG=test suites
	@tests/run build/test

check: site  ## everything that must hold before a change lands
	@press/need $(TEST_NEEDS) $(CHECK_NEEDS)
	shellcheck -x $(SCRIPTS)
	@for config in test clang asan tsan; do $(BUILD) CONFIG=$$config suites || exit 1; done
	press/transcripts $(CHAPTERS) README.md
	press/check-site site $(CHAPTERS)
	@tests/run $(LABS:%="labs/matrix %") "labs/reject 01-bump" "labs/reject 02-first-fit" $(PROOFS) build/test build/clang build/asan build/tsan

soak: heaps  ## what takes longer: fuzzing, 50 runs under load, a fresh machine
	@press/need $(TEST_NEEDS)
	@$(BUILD) CONFIG=test suites
	@press/need clang:clang /usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a:libclang-rt-14-dev
	@$(BUILD) CONFIG=fuzz fuzzers
	@mkdir -p build/corpus
	build/fuzz/tests/fuzz/02-first-fit -max_total_time=600 -print_final_stats=1 build/corpus tests/02-first-fit/corpus
	@mkdir -p build/corpus-03
	build/fuzz/tests/fuzz/03-segments -max_total_time=600 -print_final_stats=1 build/corpus-03 tests/03-segments/corpus
	build/test/tests/03-segments/plain/threads 1000000
	@mkdir -p build/corpus-05
	build/fuzz/tests/fuzz/05-percpu -max_total_time=600 -print_final_stats=1 build/corpus-05 tests/05-percpu/corpus
	@mkdir -p build/corpus-06
	build/fuzz/tests/fuzz/06-scalable -max_total_time=600 -print_final_stats=1 build/corpus-06 tests/06-scalable/corpus
	@tests/run tests/05-percpu/programs/mawk tests/05-percpu/programs/bzip2
	tests/soak 50
	@$(MAKE) --no-print-directory wrong
	tests/fresh

score: heaps  ## measure utilization and speed of every heap beside libc
	@press/need gawk:gawk
	press/score

# The libraries that the bench measures beside the book's heaps.
PEERS := libjemalloc.so.2:libjemalloc2 libtcmalloc_minimal.so.4:libtcmalloc-minimal4 libmimalloc.so.2.0:libmimalloc2.0

bench: heaps  ## measure the heaps under one program beside jemalloc, tcmalloc, mimalloc (WORKLOADS="pair churn")
	@press/need gawk:gawk
	@libraries=/usr/lib/$$(gcc -print-multiarch); \
	  press/need $(PEERS:%=$$libraries/%) || for peer in $(PEERS); do press/need $$libraries/$$peer 2> /dev/null || :; done
	tests/bench/run $(WORKLOADS)

results: score  ## measure again everything that the book has numbers of
	press/results
	@$(MAKE) --no-print-directory bench
	tests/bench/beside

clean:  ## remove everything that make made
	rm -rf build
	find tangled site -mindepth 1 ! -name README.md -delete

.PHONY: help tangle heaps site serve onepage epub pdf release test check soak score bench results tags labs.bundle wrong grade-all gradescope clean
