/* check: what the parts of pq check share: what is to be judged, and what came of it. */
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
	bool json;
};

struct condition {
	const char *source;
	bool critical;
	struct expr *expr;
};

/* Whom the conditions are about. */
struct subject {
	struct target target;
	char name[256]; /* "/web", "pid 4242"; "": nobody was named */
};

/* What came of a condition for a subject. */
struct outcome {
	enum truth truth;
	struct expr_findings found;
	const char *why; /* it is unknown; NULL: nobody said */
};

struct check {
	const struct options *options;
	const struct check_options *own;
	struct arena arena; /* of the options of tools */
	struct condition condition[WORDS_MOST + 2 * OPTION_LIST_MOST];
	size_t conditions;
	struct subject subject[SUBJECTS_MOST];
	size_t subjects;
	size_t tools;                         /* as many as `tools` of tool.h has */
	bool used[CHECK_TOOLS];               /* by a condition */
	int shown[CHECK_TOOLS][COLUMNS_MOST]; /* the columns that conditions name */
	int nshown[CHECK_TOOLS];
	int64_t span_ns;     /* -i; 0: the command's time, or a whole recording */
	const char *command; /* --during, or NULL */
	struct session session;
	/* those that do not care for the subject are the same */
	struct sampler *sampler[SUBJECTS_MOST][CHECK_TOOLS];
	struct outcome *outcome; /* by subject and condition */
	struct job job;
	bool ended; /* the command has, as *end says */
	struct job_end end;
};

/* Why a command that has ended so speaks against an OK, "the command ended with 5", cut to n bytes;
 * NULL: it does not. */
const char *check_command_failed(const struct job_end *e, char *out, size_t n);

/* What came of a condition for a subject. */
struct outcome *check_outcome(const struct check *c, size_t subject, size_t condition);

/* Whether the tool takes the subject: else its figures are of the machine, for all subjects the
 * same. */
bool check_is_about(const struct check *c, size_t subject, const struct tool *tool);

/* Whether the same was found for an earlier subject, as the condition is not about this one. */
bool check_is_repeated(const struct check *c, size_t subject, size_t condition);

/* The verdict of one outcome alone. */
enum verdict check_level_of(const struct check *c, size_t subject, size_t condition);

/* Of the figures of a subject, without the command's failure. */
enum verdict check_level(const struct check *c, size_t subject);

/* What a failure of the command makes of it: nothing is OK, nor is it judged what was not done. */
enum verdict check_with_command(const struct check *c, enum verdict v);

/* print.c: the one line of a monitoring plug-in, for what was found of all subjects. */
void check_line(const struct check *c, enum verdict found, struct buf *out);

/* One JSON object per subject and line. */
void check_json(const struct check *c, struct buf *out);

#endif
