# pq: make, make check, make install. Needs a C compiler and GNU make; the tests need bats, and make lint its linters.
#
#   make                 build/pq, and build/pq-TOOL: the same program under a tool's name
#   make check           every test
#   make lint            shellcheck, mandoc, codespell, cppcheck, and that the documents agree
#   make static          build/static/pq and build/static/pq-TOOL, each one static file (musl; make static STATIC_CC=…)
#   make fuzz [TIME=60]  each parser under libFuzzer for so many seconds (clang)
#   make bench           costs, beside sysstat's
#   make vmtest          the live tests on real kernels in virtual machines (qemu)
#   make install [PREFIX=/usr/local] [DESTDIR=] [UNITDIR=], make uninstall, make clean

PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/pq
UNITDIR = $(PREFIX)/lib/systemd/system
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
DESTDIR =

B = build
CFLAGS = -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
LDFLAGS =
STATIC_CC = musl-gcc
# Such a program is loaded at a fixed place whatever its code is made for: tables of pointers need no relocation then, and code
# is shorter.
STATIC_CFLAGS = -Os -fno-pie -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables
STATIC_LDFLAGS = -static -no-pie -s -Wl,--gc-sections -Wl,-z,noseparate-code
FUZZ_CC = clang
TIME = 60

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
	-Wformat=2 -Wundef -Wvla
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -Isrc -pthread $(WARNINGS) -ffile-prefix-map=$(CURDIR)=. $(CFLAGS)

TOOLS = runq cpu throttle mem tasks runqlat wait psi limits why check record tape export
SRC = $(wildcard src/*.c src/*/*.c src/*/*/*.c)
OBJ = $(SRC:%.c=$(B)/%.o)
LIB_OBJ = $(filter-out $(B)/src/main.o,$(OBJ))
UNIT = $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c))
REPLAY = $(patsubst tests/fuzz/%.c,$(B)/replay/%,$(wildcard tests/fuzz/*.c))
FUZZ = $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
BATS = $(wildcard tests/*.bats)
UNITS = pq-record.service pq-export.service
EXAMPLES = $(addprefix scripts/examples/,pq-record.yaml pq-export.yaml prometheus/rules.yaml prometheus/dashboard.json)

.PHONY: all check unit lint static fuzz bench vmtest install uninstall clean
.DELETE_ON_ERROR:

all: $(B)/pq $(TOOLS:%=$(B)/pq-%)

$(B)/pq: $(OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OBJ) -lm

$(TOOLS:%=$(B)/pq-%): $(B)/pq
	ln -sf pq $@

$(B)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJ:.o=.d)

# All but main, for what takes some of it.
$(B)/libpq.a: $(LIB_OBJ)
	rm -f $@
	ar rcs $@ $(LIB_OBJ)

# A program of one tool: the same objects, and main with that tool alone.
$(B)/only/pq-%: src/main.c $(B)/libpq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -DPQ_ONLY=$* -o $@ src/main.c $(B)/libpq.a -lm

static:
	$(MAKE) B=$(B)/musl CC="$(STATIC_CC)" CFLAGS="$(STATIC_CFLAGS)" LDFLAGS="$(STATIC_LDFLAGS)" \
		$(B)/musl/pq $(TOOLS:%=$(B)/musl/only/pq-%)
	mkdir -p $(B)/static
	cp $(B)/musl/pq $(TOOLS:%=$(B)/musl/only/pq-%) $(B)/static/

# scripts/tests runs them, as many bats files at a time as there are CPUs, and counts what they print.
check: all $(UNIT) $(REPLAY) $(B)/tests/helper
	scripts/tests $(B)

# No test: what bats files run.
$(B)/tests/helper: tests/helper.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $<

$(B)/tests/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(B)/libpq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(B)/libpq.a -lm

$(B)/replay/%: tests/fuzz/%.c tests/fuzz/replay.h $(B)/libpq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -DREPLAY -o $@ $< $(B)/libpq.a -lm

$(B)/fuzz/%: tests/fuzz/%.c $(B)/libpq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(B)/libpq.a -lm

fuzz:
	$(MAKE) B=$(B)/fuzzing CC=$(FUZZ_CC) CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined" \
		LDFLAGS="-fsanitize=address,undefined" $(FUZZ:$(B)/%=$(B)/fuzzing/%)
	for f in $(FUZZ:$(B)/%=$(B)/fuzzing/%); do \
		mkdir -p $(B)/corpus/$$(basename $$f) && \
		$$f -max_total_time=$(TIME) -max_len=16384 -print_final_stats=1 $(B)/corpus/$$(basename $$f) \
			tests/fuzz/corpus/$$(basename $$f) || exit 1; done

lint:
	scripts/lint

bench: all
	scripts/bench/run $(B)/pq

vmtest: static
	scripts/vmtest $(B)/static/pq

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) \
		$(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(UNITDIR)
	install -m 755 $(B)/pq $(DESTDIR)$(BINDIR)/pq
	for t in $(TOOLS); do ln -sf pq $(DESTDIR)$(BINDIR)/pq-$$t; done
	install -m 644 man/pq.1 $(TOOLS:%=man/pq-%.1) $(DESTDIR)$(MANDIR)/man1/
	install -m 644 man/pq-tape.5 $(DESTDIR)$(MANDIR)/man5/
	install -m 755 scripts/examples/fetch-pprof $(DESTDIR)$(DOCDIR)/examples/
	install -m 644 $(EXAMPLES) $(DESTDIR)$(DOCDIR)/examples/
	for u in $(UNITS); do sed 's,/usr/local/bin,$(BINDIR),' scripts/examples/$$u >$(DESTDIR)$(UNITDIR)/$$u && \
		chmod 644 $(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	scripts/completions bash $(B)/pq >$(DESTDIR)$(BASHDIR)/pq
	for t in $(TOOLS); do ln -sf pq $(DESTDIR)$(BASHDIR)/pq-$$t; done
	scripts/completions zsh $(B)/pq >$(DESTDIR)$(ZSHDIR)/_pq

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/pq $(TOOLS:%=$(DESTDIR)$(BINDIR)/pq-%)
	rm -f $(DESTDIR)$(MANDIR)/man1/pq.1 $(TOOLS:%=$(DESTDIR)$(MANDIR)/man1/pq-%.1) $(DESTDIR)$(MANDIR)/man5/pq-tape.5
	for e in fetch-pprof $(notdir $(EXAMPLES)); do rm -f $(DESTDIR)$(DOCDIR)/examples/$$e; done
	rm -f $(UNITS:%=$(DESTDIR)$(UNITDIR)/%)
	rmdir $(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(DOCDIR) 2>/dev/null || :
	rm -f $(DESTDIR)$(BASHDIR)/pq $(TOOLS:%=$(DESTDIR)$(BASHDIR)/pq-%) $(DESTDIR)$(ZSHDIR)/_pq

clean:
	rm -rf $(B)
