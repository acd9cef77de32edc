/*
 * names: what people call a cgroup: its pod, container, systemd unit or Slurm job. The path says
 * most of it. The kubelet's log directories say how the pods and containers are called whose IDs
 * are in the path:
 *
 *   var/log/containers/POD_NAMESPACE_CONTAINER-ID.log   a link for each container
 *   var/log/pods/NAMESPACE_POD_UID                      a directory for each pod
 *
 * Nothing else is asked: no API, no socket, no daemon. A name that is not there is unknown.
 */
#ifndef PQ_CGROUP_NAMES_H
#define PQ_CGROUP_NAMES_H

#include "base/arena.h"
#include "base/map.h"
#include "cgroup/locate.h"
#include "host/host.h"

/* NULL: unknown, or the cgroup is in none. */
struct group_names {
	const char *pod, *namespace,
	    *container;   /* as Kubernetes, LXC and systemd-machined name them */
	const char *unit; /* "nginx.service" */
	const char *job;  /* "123", of a step "123.0" */
	/* for people, in place of the path: "shop/web-0/app"; NULL: the path is short enough */
	const char *brief;
};

/* ---- What a path says by itself */

/* Parts of the path; n is 0 where there is none. */
struct name_parts {
	struct text uid;     /* of the pod: "1b4e28ba-2fa1-…", or with '_' for each '-' */
	struct text id;      /* of the container: 64 hexadecimal digits */
	struct text runtime; /* what is before the ID: "docker-", "cri-containerd-", "docker/" */
	struct text machine; /* of LXC or systemd-machined: its name, escaped as by systemd */
	struct text manager; /* of a unit of a user: "user@1000.service" */
	struct text unit;    /* the innermost unit that is no slice */
	struct text job, step;
	struct text below; /* the rest of the path, after the last of these: "/a/b" */
};

void name_parts_of(struct text path, struct name_parts *out);

/* Takes the name of a link in var/log/containers apart; false if it is none of the kubelet's. */
bool name_of_log(struct text link, struct text *pod, struct text *namespace, struct text *container,
    struct text *id);

/* Takes the name of a directory in var/log/pods apart; false if it is none of the kubelet's. */
bool name_of_pod_directory(
    struct text directory, struct text *namespace, struct text *pod, struct text *uid);

/* ---- Names, kept from row to row */

struct named_group;

/* Zero-initialise to start. */
struct names {
	struct map paths; /* of the cgroups that were asked for */
	struct named_group *v;
	size_t room;
	struct arena arena, older; /* the names; those before they were last forgotten */
	/* what the two directories said: texts in `listed`, by container ID and by pod UID */
	struct map ids, uids;
	struct log_name *by_id, *by_uid;
	size_t id_room, uid_room;
	struct arena listed;
	uint32_t row, listed_at; /* the present row, and the one that read the directories last */
	uint32_t pending;        /* names that they did not have */
	uint32_t again, wait;    /* the row that reads them again, and the next distance */
	uint32_t asked;          /* in the present row */
	bool too_large;          /* a directory was too large to be read */
};

/* To be called before the first names_of of a row. May read the two directories: they say the name
 * of a container only once it runs. */
void names_row(struct names *n, struct host *h);

/* The names of the cgroup with this path. A new cgroup in a pod or container makes it read the
 * directories, at most once a row. Valid until names_row is called for the second time after
 * that. */
const struct group_names *names_of(struct names *n, struct host *h, const char *path);

void names_free(struct names *n);

/* ---- Finding a cgroup by its name */

enum { FOUND_MOST = 8 };

struct names_found {
	size_t n; /* so many cgroups have the name; the first FOUND_MOST are here */
	const char *path[FOUND_MOST];
	const char *name[FOUND_MOST]; /* for people */
};

/* Finds the cgroups with that name in the first hierarchy that has one: a pod, "namespace/pod",
 * "namespace/pod/container", container, unit, Slurm job, the name that the text format shows, or at
 * least six digits of the ID of a container or pod. The results are in the arena of the atlas. */
void names_find(struct atlas *at, const char *wanted, struct names_found *out);

#endif
