# Compiles the book's allocators, and the judge that draws them, for pages. Takes the C of
# `make tangle` (C=build/lines) and makes
#   build/live/judge.wasm             play, oracle, picture, map, dump and steps
#   build/live/heap/NN-name.wasm      an allocator each, as build/heaps/ has them
#   build/live/heap/NN-name/STEP.wasm
#   build/live/modules.js             all of them, packed, for press/site/heap.js
# An allocator's files are those of build/heaps/. What they ask of a kernel is in
# press/live/system.c, the headers that a page lacks in press/live/missing/. What can't be
# compiled all the same is left out, and so is an allocator that needs it.
C ?= build/lines
L := build/live
comma := ,
WASM := clang --target=wasm32-wasi -std=gnu17 -O2 -w
# The judge's memory ends where that of an allocator begins.
FLOOR := 2097152
LINK := -nostartfiles -nodefaultlibs -Wl,--no-entry,--strip-all,-z,stack-size=65536

chapters := $(sort $(notdir $(wildcard $(C)/[0-9]*)))
heap_names := $(patsubst $(C)/%/table.c,%,$(wildcard $(C)/*/table.c)) \
  $(foreach k,$(chapters),$(patsubst $(C)/$k/steps/%.c,$k/%,$(wildcard $(C)/$k/steps/*.c)))
heaps := $(heap_names:%=$L/heap/%.wasm)
judge := play oracle picture svg map dump steps look heap trace replay

$L/modules.js: $L/judge.wasm $(heaps)
	@{ for file in $^; do \
	  [ -s "$$file" ] || continue; \
	  name=$${file#$L/}; name=$${name%.wasm}; \
	  printf 'bookModule("%s", "%s");\n' "$${name#heap/}" "$$(gzip -9n < "$$file" | base64 -w 0)"; \
	done; } > $@

.SECONDARY:
.DELETE_ON_ERROR:

$L/judge/heap.o: DEFINE := -Dheap_load=heap_load_file
$L/judge/trace.o: DEFINE := -Dtrace_read=trace_read_file
$L/judge/%.o: tests/judge/%.c
	@mkdir -p $(@D)
	@$(WASM) $(DEFINE) -isystem press/live/missing -I$(C) -MMD -MP -c -o $@ $<
$L/judge/page.o: press/live/judge.c
	@mkdir -p $(@D)
	@$(WASM) -Itests/judge -I$(C) -MMD -MP -c -o $@ $<
$L/judge.wasm: $(judge:%=$L/judge/%.o) $L/judge/page.o
	@echo 'clang build/live/judge.wasm'
	@$(WASM) $(LINK) -Wl,--initial-memory=$(FLOOR) -o $@ $^ -lc $(shell $(WASM) -print-libgcc-file-name) \
	  $(patsubst %,-Wl$(comma)--export=%,add drop show offer visit name_of_heap name_of_trace)

# What a page can't compile is an empty file, until it is given what it lacks.
MISSING := $(shell find press/live/missing -name '*.h')
HEAP := $(WASM) -isystem press/live/missing -I$(C) -MMD -MP -c
$L/c/%.o: $(C)/%.c $(MISSING)
	@mkdir -p $(@D)
	@$(HEAP) -o $@ $< 2> /dev/null || : > $@
$L/c/%.o: press/live/%.c
	@mkdir -p $(@D)
	@$(HEAP) -o $@ $<

# The objects of the libraries of chapter $1 and of those before it, the last first.
up_to = $(foreach k,$(chapters),$(if $(filter $k,$(firstword $(sort $k $1))),$k))
reverse = $(if $1,$(call reverse,$(wordlist 2,$(words $1),$1)) $(firstword $1))
library = $(foreach k,$(call reverse,$(call up_to,$1)),$(patsubst $(C)/%.c,$L/c/%.o,$(wildcard $(C)/$k/*.c)))

# The allocator $2 of chapter $1, whose own object is $3, if it is a step.
define heap
$L/heap/$2.wasm: $3 $L/c/heap.o $L/c/system.o $(call library,$1)
	@mkdir -p $$(@D)
	@rm -f $$@.a && find $$(filter-out $3 $L/c/heap.o,$$^) -size +0 | xargs llvm-ar rcs $$@.a
	@$(WASM) $(LINK) -Wl,--import-memory,--global-base=$(FLOOR) -o $$@ $3 $L/c/heap.o $$@.a -lc 2> $$@.said || \
	  { echo "build/live: no $2 for pages, see $$@.said"; : > $$@; }
endef
$(foreach k,$(chapters),$(if $(wildcard $(C)/$k/table.c),$(eval $(call heap,$k,$k,)))\
  $(foreach s,$(patsubst $(C)/$k/steps/%.c,%,$(wildcard $(C)/$k/steps/*.c)),\
    $(eval $(call heap,$k,$k/$s,$L/c/$k/steps/$s.o))))

-include $(shell find $L -name '*.d' 2> /dev/null)
