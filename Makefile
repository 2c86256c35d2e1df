# Every command of the book. `make` lists them.

CHAPTERS := $(sort $(wildcard chapters/*.nw))
PRESS := press/tangle press/lint.awk press/roots.awk
BUILD := $(MAKE) --no-print-directory -f tests/build.mk
CC_NEEDS := gcc:gcc /usr/include/stdio.h:libc6-dev

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z.]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' Makefile

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

### The book proved

test: heaps  ## run the tests (Criterion suites, plain programs)
	@press/need $(CC_NEEDS) /usr/include/criterion/criterion.h:libcriterion-dev
	@$(BUILD) CONFIG=test suites
	@tests/run build/test

check: test  ## everything that must hold before a change lands
	@press/need clang:clang gdb:gdb aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu \
	  /usr/aarch64-linux-gnu/include/stdio.h:libc6-dev-arm64-cross shellcheck:shellcheck
	shellcheck press/need press/tangle press/transcripts tests/run $(filter-out %.tsv %/broken,$(wildcard tests/press/*))
	tests/press/refuses
	tests/press/trees
	tests/press/lines
	tests/press/transcripts
	tests/press/portable tangled
	press/transcripts $(CHAPTERS)
	@$(BUILD) CONFIG=clang suites
	@$(BUILD) CONFIG=asan suites
	@$(BUILD) CONFIG=tsan suites
	tests/run build/clang
	tests/run build/asan
	tests/run build/tsan

clean:  ## remove everything that make made
	rm -rf build
	find tangled site -mindepth 1 ! -name README.md -delete

.PHONY: help tangle heaps test check clean
