/* check: what the parts of pq check share: the conditions, the subjects, and the outcomes. */
#ifndef PQ_CHECK_CHECK_H
#define PQ_CHECK_CHECK_H

#include "base/fail.h"
#include "cli/args.h"
#include "session/job.h"
#include "expr/expr.h"
#include "session/session.h"

enum { CHECK_TOOLS = 16, SUBJECTS_MOST = 2 * OPTION_LIST_MOST };

struct check_options {
	struct option_list warn, critical; /* conditions */
	struct option_list pid, cgroup;    /* subjects */
	int64_t span_ns;                   /* 0: not given */
	const char *during;                /* a command, or NULL */
	const char *baseline;              /* a baseline, or NULL */
	struct option_list fail;           /* how much worse than it figures may be */
	bool json;
};

struct condition {
	const char *source;
	bool critical;
	struct expr *expr;
};

/* The process or cgroup that the conditions are tested for. */
struct subject {
	struct target target;
	char name[256]; /* "/web", "pid 4242"; "": none was given */
};

/* The result of one condition for one subject. */
struct outcome {
	enum truth truth;
	struct expr_findings found;
	const char *why; /* why it is unknown; NULL: no tool said */
};

struct check {
	const struct options *options;
	const struct check_options *own;
	struct arena arena; /* for the options of the tools */
	struct condition condition[WORDS_MOST + 2 * OPTION_LIST_MOST];
	size_t conditions;
	struct subject subject[SUBJECTS_MOST];
	size_t subjects;
	const struct tool *tool[CHECK_TOOLS]; /* those of tool.h, and their forms */
	size_t tools;
	bool used[CHECK_TOOLS];               /* a condition names the tool */
	int shown[CHECK_TOOLS][COLUMNS_MOST]; /* the columns that conditions name */
	int nshown[CHECK_TOOLS];
	int64_t span_ns;     /* -i; 0: while the command runs, or the whole recording */
	const char *command; /* --during, or NULL */
	struct session session;
	/* subjects share the samplers that measure the machine */
	struct sampler *sampler[SUBJECTS_MOST][CHECK_TOOLS];
	struct outcome *outcome; /* see check_outcome */
	struct job job;
	bool ended; /* the command has ended; `end` is valid */
	struct job_end end;
};

/* "the command exited with status 5", cut to n bytes; NULL if the command succeeded. */
const char *check_command_failed(const struct job_end *e, char *out, size_t n);

struct outcome *check_outcome(const struct check *c, size_t subject, size_t condition);

/* Whether the tool can select the subject. If not, it measures the machine, the same for all
 * subjects. */
bool check_is_about(const struct check *c, size_t subject, const struct tool *tool);

/* Whether the condition only reads samplers that an earlier subject has too: its outcome is the same
 * and is printed once. */
bool check_is_repeated(const struct check *c, size_t subject, size_t condition);

/* The verdict of one outcome. */
enum verdict check_level_of(const struct check *c, size_t subject, size_t condition);

/* The worst verdict of a subject, without the result of the command. */
enum verdict check_level(const struct check *c, size_t subject);

/* The verdict with the result of the command: if it failed, UNKNOWN unless CRITICAL, since work that
 * was not done cannot be judged. */
enum verdict check_with_command(const struct check *c, enum verdict v);

/* baseline.c: the whole of pq check --baseline. */
enum verdict check_baseline(const struct options *o);

/* print.c: the line of a monitoring plug-in, for all subjects; `found` is the worst verdict. */
void check_line(const struct check *c, enum verdict found, struct buf *out);

/* One JSON object per subject and line. */
void check_json(const struct check *c, struct buf *out);

#endif
