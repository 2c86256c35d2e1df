# Compiles the book's C and what proves it. Takes the tree that `make tangle` made
# (C=build/lines) and, by the names of its files alone, makes
#   heaps     build/heaps/NN-name.so, NN-name/STEP.so   an allocator each, for the judge
#   programs  build/bin/NAME           programs of the chapters, the judge, the bench
#             build/lib/NN-name.so     chapters' heaps as malloc, for LD_PRELOAD
#   suites    build/CONFIG/tests/...   Criterion suites and plain programs
#   fuzzers   build/fuzz/tests/fuzz/NN-name
# In a chapter's folder *.c and exercises/*.c are its library; it is linked with the
# libraries of the chapters before it. steps/*.c are whole allocators; programs/*.c
# and tests/.../plain/ have a main. preload/NN-name.c puts the names of malloc before the
# heap of chapter NN-name.
#
# CONFIG   release | test | clang | asan | tsan | fuzz
# Called by the Makefile: make -f tests/build.mk CONFIG=test suites

C ?= build/lines
CONFIG ?= release
B := build/$(CONFIG)

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
  -Wmissing-prototypes -Werror
CC_release := gcc
CC_test := gcc
CC_clang := clang
CC_asan := gcc
CC_tsan := gcc
CC_fuzz := clang
FLAGS_release := -O2
FLAGS_test := -O1 -DTEST_HOOKS
FLAGS_clang := -O1 -DTEST_HOOKS
FLAGS_asan := -O1 -DTEST_HOOKS -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_tsan := -O1 -DTEST_HOOKS -fsanitize=thread
FLAGS_fuzz := -O2 -DTEST_HOOKS -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

CC := $(CC_$(CONFIG))
CFLAGS := -std=gnu17 -g -fPIC -fno-semantic-interposition -pthread $(WARNINGS) $(FLAGS_$(CONFIG))
CPPFLAGS := -I$(C) -Itests -MMD -MP
LDFLAGS := -pthread $(filter -fsanitize=%,$(CFLAGS))

chapters := $(sort $(notdir $(wildcard $(C)/[0-9]*)))
# The libraries of chapter $1 and of those before it, in the order for the linker.
up_to = $(foreach k,$(chapters),$(if $(filter $k,$(firstword $(sort $k $1))),$k))
reverse = $(if $1,$(call reverse,$(wordlist 2,$(words $1),$1)) $(firstword $1))
libraries = $(patsubst %,$(B)/%.a,$(call reverse,$(call up_to,$1)))
all_libraries := $(call libraries,$(lastword $(chapters)))
# Says what is compiled, unless make is to be silent.
say := $(if $(findstring s,$(firstword -$(MAKEFLAGS))),@:,@echo)
objects = $(patsubst %.c,$(B)/%.o,$1)
book_objects = $(patsubst $(C)/%.c,$(B)/%.o,$1)
# In builds for tests heaps and arenas count their steps: see hook_steps in tests/hooks.h.
ifneq ($(filter test clang asan,$(CONFIG)),)
$(call book_objects,$(wildcard $(C)/*/heap.c $(C)/*/arena.c $(C)/03-segments/steps/*.c)): CFLAGS += -fsanitize-coverage=trace-pc
endif

.SECONDARY:
.DELETE_ON_ERROR:

$(B)/%.o: $(C)/%.c
	@mkdir -p $(@D)
	$(say) '$(CC) $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(B)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(say) '$(CC) $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
# What the fuzzer is to reach is the book's code.
ifeq ($(CONFIG),fuzz)
$(B)/tests/%.o: CFLAGS += -fno-sanitize=fuzzer-no-link
endif

### One chapter: its library, its allocator, the steps to it, its programs
define chapter
$(B)/$1.a: $(call book_objects,$(wildcard $(C)/$1/*.c $(C)/$1/exercises/*.c))
	@rm -f $$@
	ar rcs $$@ $$^
ifneq ($(wildcard $(C)/$1/table.c),)
heaps: build/heaps/$1.so
build/heaps/$1.so: $(call libraries,$1) tests/judge/exports.map
	@mkdir -p $$(@D)
	$(CC) -shared $(LDFLAGS) -Wl,-u,allocator $(EXPORTS) -o $$@ $(call libraries,$1)
endif
heaps: $(patsubst $(C)/$1/steps/%.c,build/heaps/$1/%.so,$(wildcard $(C)/$1/steps/*.c))
build/heaps/$1/%.so: $(B)/$1/steps/%.o $(call libraries,$1) tests/judge/exports.map
	@mkdir -p $$(@D)
	$(CC) -shared $(LDFLAGS) $(EXPORTS) -o $$@ $$< $(call libraries,$1)
programs: $(patsubst $(C)/$1/programs/%.c,build/bin/%,$(wildcard $(C)/$1/programs/*.c))
$(patsubst $(C)/$1/programs/%.c,build/bin/%,$(wildcard $(C)/$1/programs/*.c)): \
  build/bin/%: $(B)/$1/programs/%.o $(call libraries,$1)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -o $$@ $$< $(call libraries,$1)
$(patsubst tests/$1/%.c,$(B)/tests/$1/%,$(wildcard tests/$1/*.c tests/$1/plain/*.c tests/$1/plain/racy/*.c)): \
  $(call libraries,$1)
$(B)/tests/$1/%: private BOOK := $(call libraries,$1)
# What its heap promises holds for each of its steps; tests/NN-name/steps/STEP.c says more.
ifneq ($(wildcard tests/$1/promise.c),)
versions: $(patsubst $(C)/$1/steps/%.c,$(B)/tests/$1/steps/%,$(wildcard $(C)/$1/steps/*.c))
$(B)/tests/$1/steps/%: $(B)/tests/$1/promise.o $(B)/$1/steps/%.o $(B)/tests/report.o $(B)/tests/hooks.o $(call libraries,$1)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) $(call libraries,$1) -lcriterion
$(patsubst tests/$1/%.c,$(B)/tests/$1/%,$(wildcard tests/$1/steps/*.c)): %: %.o
endif
endef
# The table leaves a shared object, and what moves the break or lets it fail. It calls its
# own (-Bsymbolic): the names of two heaps never meet.
EXPORTS := -Wl,-Bsymbolic,--version-script=tests/judge/exports.map
$(foreach k,$(chapters),$(eval $(call chapter,$k)))

### The judge, libc as an allocator, the recorder
judge_sources := $(filter-out %/libc.c %/record.c,$(wildcard tests/judge/*.c))
programs: build/bin/judge build/lib/record.so build/bin/shapes
build/bin/judge: $(call objects,$(judge_sources))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -ldl
build/bin/shapes: $(B)/tests/shapes.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^
heaps: build/heaps/libc.so
build/heaps/libc.so: $(B)/tests/judge/libc.o tests/judge/exports.map
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) $(EXPORTS) -o $@ $<
build/lib/record.so: $(B)/tests/judge/record.o
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) -o $@ $< -ldl

### The bench, and the heaps of the chapters as malloc: of their names no other is to be seen,
### and they call their own (-Bsymbolic)
programs: build/bin/bench
build/bin/bench: $(call objects,$(wildcard tests/bench/*.c))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -ldl
$(B)/tests/bench/%.o: CFLAGS += -fno-builtin-malloc -fno-builtin-free -fno-builtin-realloc
define preload
programs: build/lib/$(basename $(notdir $1)).so
build/lib/$(basename $(notdir $1)).so: $(call book_objects,$1) $(call libraries,$(basename $(notdir $1))) tests/bench/preload.map
	@mkdir -p $$(@D)
	$(CC) -shared $(LDFLAGS) -Wl,-Bsymbolic,--version-script=tests/bench/preload.map -o $$@ $(call book_objects,$1) \
	  $(call libraries,$(basename $(notdir $1)))
endef
$(foreach source,$(wildcard $(C)/*/preload/*.c),$(eval $(call preload,$(source))))

### The eleven shapes: seven by formula, four that begin like the traces of programs that
### translate a language, as the published ones did: C, Perl, Python, SQL
SHAPES := binary binary2 coalescing random random2 realloc realloc2
STARTS := cc1 perl python3 sqlite3
programs: $(SHAPES:%=build/traces/%.rep) $(STARTS:%=build/traces/%-6000.rep)
$(SHAPES:%=build/traces/%.rep): build/traces/%.rep: build/bin/shapes
	@mkdir -p $(@D)
	build/bin/shapes $* > $@
build/traces/%-6000.rep: traces/%.rep.gz build/bin/judge
	@mkdir -p $(@D)
	build/bin/judge cut $< 6000 > $@

### Suites: Criterion where the file lies beside its chapter's name, a main in plain/
suite_sources := $(filter-out tests/judge/% tests/bench/% tests/fuzz/%,$(wildcard tests/*/*.c))
# A program in plain/racy/ races on purpose: ThreadSanitizer would be right to object.
plain_sources := $(wildcard tests/*/plain/*.c tests/*/plain/racy/*.c)
ifeq ($(CONFIG),tsan)
suites: $(patsubst %.c,$(B)/%,$(wildcard tests/*/plain/*.c))
else
suites: $(patsubst %.c,$(B)/%,$(suite_sources) $(plain_sources)) versions corpora
endif
$(B)/tests/hooks/%: private BOOK := $(all_libraries)
$(patsubst %.c,$(B)/%,$(wildcard tests/hooks/*.c tests/hooks/plain/*.c)): $(all_libraries)
$(patsubst %.c,$(B)/%,$(suite_sources)): %: %.o $(B)/tests/report.o $(B)/tests/hooks.o
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(BOOK) -lcriterion
$(patsubst %.c,$(B)/%,$(plain_sources)): %: %.o $(B)/tests/hooks.o
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(BOOK)

### The fuzzers' programs, with a main that replays the corpus or with libFuzzer's
fuzzed := $(if $(wildcard tests/fuzz/replay.c),$(filter 01-bump 02-first-fit 03-segments 05-percpu 06-scalable,$(chapters)))
fuzz_source = $(firstword $(wildcard tests/fuzz/$1.c) tests/fuzz/heap.c)
corpora: $(patsubst %,$(B)/tests/%/corpus,$(fuzzed))
fuzzers: $(patsubst %,$(B)/tests/fuzz/%,$(fuzzed))
define fuzz
$(B)/tests/$1/corpus: $(call objects,$(call fuzz_source,$1) tests/fuzz/replay.c tests/hooks.c) $(call libraries,$1)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -o $$@ $$^
$(B)/tests/fuzz/$1: $(call objects,$(call fuzz_source,$1) tests/hooks.c) $(call libraries,$1)
	@mkdir -p $$(@D)
	$(CC) -pthread -fsanitize=fuzzer,address,undefined -o $$@ $$^
endef
$(foreach k,$(fuzzed),$(eval $(call fuzz,$k)))

.PHONY: heaps programs suites versions corpora fuzzers
-include $(shell find $(B) -name '*.d' 2>/dev/null)
