#include <stdlib.h>
#include <string.h>

#include "proc/task.h"
#include "replay.h"

static void
within(struct text part, struct text whole)
{
	if (part.n > whole.n ||
	    (part.n > 0 && (part.s < whole.s || part.s + part.n > whole.s + whole.n)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n }, name;
	char call[SYSCALL_NAME_MOST];
	struct task_call c;
	int64_t ns;

	if (task_left_parse(t, &ns) == 0 && ns < 0)
		abort();
	if (task_wchan_parse(t, &name) == 0)
		within(name, t);
	if (task_call_parse(t, &c) < 0 || c.kind != CALL_SYSTEM)
		return 0;
	if (strlen(syscall_name("x86_64", c.number, call)) == 0 ||
	    strlen(syscall_name("riscv64", c.number, call)) == 0)
		abort();
	return 0;
}
