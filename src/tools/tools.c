/* tools: the list of the tools that make rows. A file of its own, as it needs every tool, while every
 * tool needs tool.c. */
#include "tools/tool.h"

const struct tool *const tools[] = { &tool_runq, &tool_cpu, &tool_throttle, &tool_mem, &tool_tasks,
	&tool_runqlat, &tool_wait, &tool_psi, &tool_disk, &tool_sock, NULL };

const struct tool *
tools_find(struct text name)
{
	for (size_t i = 0; tools[i]; i++)
		if (text_eq(name, tools[i]->name))
			return tools[i];
	return NULL;
}
