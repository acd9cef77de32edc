#include "bpf/parts.h"

#include "bpf/sys.h"

void
part_argument(struct code *c, unsigned dst, int arg)
{
	asm_load(c, 8, dst, R6, arg * 8);
}

void
part_task_member(
    struct code *c, const struct runqlat_plan *p, unsigned dst, int arg, struct btf_member m)
{
	if (p->mode == RUNQLAT_BTF) {
		part_argument(c, R1, arg);
		asm_load(c, m.size, dst, R1, (int32_t)m.offset);
		return;
	}
	part_argument(c, R3, arg);
	asm_alu_imm(c, ASM_ADD, R3, (int32_t)m.offset);
	asm_alu_imm(c, ASM_MOV, R2, (int32_t)m.size);
	asm_alu(c, ASM_MOV, R1, R10);
	asm_alu_imm(c, ASM_ADD, R1, NOW); /* 8 bytes that are not in use yet */
	asm_call(c, p->old_probe_read ? BPF_PROBE_READ : BPF_PROBE_READ_KERNEL);
	asm_load(c, m.size, dst, R10, NOW);
}

/* R0 = what the map has at the key on the stack; goes to `none` when it has nothing, which the
 * verifier wants looked at. */
static void
look_up(struct code *c, int map, struct label *none)
{
	asm_map(c, R1, map);
	asm_alu(c, ASM_MOV, R2, R10);
	asm_alu_imm(c, ASM_ADD, R2, KEY);
	asm_call(c, BPF_LOOKUP);
	asm_jump_imm(c, none, ASM_JEQ, R0, 0);
}

void
part_find_counts(struct code *c, const struct runqlat_plan *p, struct label *none)
{
	asm_store_imm(c, 4, R10, KEY, 0);
	look_up(c, p->counts, none);
}

void
part_find_slot(struct code *c, const struct runqlat_plan *p, unsigned pid, struct label *none)
{
	asm_alu(c, ASM_MOV, R1, pid);
	asm_alu_imm(c, ASM_AND, R1, p->slot_mask);
	asm_store(c, 4, R10, KEY, R1);
	look_up(c, p->slots, none);
}

void
part_count_one(struct code *c, unsigned at, size_t off)
{
	asm_load(c, 8, R1, at, (int32_t)off);
	asm_alu_imm(c, ASM_ADD, R1, 1);
	asm_store(c, 8, at, (int32_t)off, R1);
}

void
part_current_is_of(
    struct code *c, const struct runqlat_plan *p, bool process, bool cgroup, struct label *no)
{
	if (process) {
		asm_call(c, BPF_PID_TGID);
		asm_alu_imm(c, ASM_RSH, R0, 32);
		asm_jump_imm(c, no, ASM_JNE, R0, (int32_t)p->tgid);
	}
	if (cgroup) {
		asm_map(c, R1, p->cgroup);
		asm_alu_imm(c, ASM_MOV, R2, 0);
		asm_call(c, BPF_CURRENT_UNDER_CGROUP);
		asm_jump_imm(c, no, ASM_JNE, R0, 1);
	}
}

static void
add(struct code *c, unsigned at, size_t off, unsigned v)
{
	asm_load(c, 8, R1, at, (int32_t)off);
	asm_alu(c, ASM_ADD, R1, v);
	asm_store(c, 8, at, (int32_t)off, R1);
}

/* R4 = the bucket of the wait in R2, as runqlat_bucket has it. */
static void
bucket(struct code *c)
{
	struct label fits = { 0 }, small = { 0 };

	asm_imm64(c, R3, ((uint64_t)1 << RUNQLAT_OCTAVES) - 1);
	asm_jump(c, &fits, ASM_JGE, R3, R2);
	asm_alu(c, ASM_MOV, R2, R3);
	asm_here(c, &fits);
	asm_alu(c, ASM_MOV, R3, R2);
	asm_alu_imm(c, ASM_RSH, R3, 4); /* 0: the octave is 0 */
	asm_alu_imm(c, ASM_MOV, R4, 0);
	asm_jump_imm(c, &small, ASM_JEQ, R3, 0);
	asm_alu_imm(c, ASM_MOV, R4, 1);
	for (int bits = 32; bits > 0; bits /= 2) {
		struct label below = { 0 };
		asm_alu(c, ASM_MOV, R1, R3);
		asm_alu_imm(c, ASM_RSH, R1, bits);
		asm_jump_imm(c, &below, ASM_JEQ, R1, 0);
		asm_alu(c, ASM_MOV, R3, R1);
		asm_alu_imm(c, ASM_ADD, R4, bits);
		asm_here(c, &below);
	}
	asm_here(c, &small);
	asm_alu(c, ASM_RSH, R2, R4);
	asm_alu_imm(c, ASM_LSH, R4, 3);
	asm_alu(c, ASM_ADD, R4, R2);
}

void
part_count_wait(struct code *c)
{
	struct label forwards = { 0 }, within = { 0 };

	asm_jump_imm(c, &forwards, ASM_JSGE, R2, 0);
	part_count_one(c, R6, offsetof(struct runqlat_map_counts, negative));
	asm_alu_imm(c, ASM_MOV, R2, 0);
	asm_here(c, &forwards);
	add(c, R6, offsetof(struct runqlat_map_counts, sum_ns), R2);
	bucket(c);
	/* never, but the verifier does not know */
	asm_jump_imm(c, &within, ASM_JGT, R4, RUNQLAT_BUCKETS - 1);
	asm_alu_imm(c, ASM_LSH, R4, 3);
	asm_alu(c, ASM_ADD, R6, R4);
	part_count_one(c, R6, offsetof(struct runqlat_map_counts, bucket));
	asm_here(c, &within);
}
