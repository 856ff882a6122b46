// SPDX-License-Identifier: MIT
/*
 * What the recordings beside this file are of: one hard shape of stack after the other, each of which
 * spins for a while. No library is in it, so that the program is small and its stacks are known to the
 * last frame. How it is built and recorded: recipe.sh.
 */
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/sched.h>

#define NOINLINE __attribute__((noinline, noclone))
/* Behind a call: it is then no tail call. */
#define KEEP() __asm__ volatile("" ::: "memory")

enum { SPINS = 12 * 1000 * 1000, DEPTH = 30, STACK_BYTES = 64 * 1024 };

volatile unsigned long sink;

long system_call(long number, long a, long b, long c, long d)
{
	long result;
	register long r10 __asm__("r10") = d;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

NOINLINE void spin(void)
{
	for (unsigned long i = 0; i < SPINS; i++)
		sink += i;
}

/* Plain: registers are saved, the frame has a fixed size. */
NOINLINE void plain_inner(unsigned long *room)
{
	room[1] = sink;
	spin();
	sink += room[1];
}

NOINLINE void plain_outer(void)
{
	unsigned long room[40];
	plain_inner(room);
	sink += room[1];
}

/* The middle one of three leaves no frame. */
NOINLINE void tail_last(void)
{
	spin();
	KEEP();
}

NOINLINE void tail_middle(void)
{
	sink++;
	tail_last();
}

NOINLINE void tail_outer(void)
{
	tail_middle();
	KEEP();
}

/* The size of the frame is known only while it runs: rbp says where it is. */
NOINLINE void dynamic_frame(unsigned long size)
{
	volatile char *room = __builtin_alloca(size);
	room[0] = (char)size;
	spin();
	sink += (unsigned long)room[0];
}

NOINLINE void recursion(unsigned depth)
{
	if (depth > 1)
		recursion(depth - 1);
	else
		spin();
	sink++;
}

/* Sampled at each of its few instructions, those that push and pop too. */
__attribute__((noinline, noclone, noipa)) unsigned long tiny(unsigned long a)
{
	unsigned long b = a * 3;
	__asm__ volatile("nop" : "+r"(b)::"rbx", "r12", "r13");
	return b;
}

NOINLINE void tiny_caller(void)
{
	for (unsigned long i = 0; i < SPINS; i++)
		sink = tiny(i);
}

/* Hand-written code, each with what it says of itself. */
void cfa_by_rbx(void), cfa_by_expression(void), no_cfi(void), thread_entry(void), restorer(void);
long start_thread(long flags, void *stack_top);
__asm__(".text\n"
	/* The stack pointer goes elsewhere; rbx keeps the frame. */
	".globl cfa_by_rbx\n.type cfa_by_rbx, @function\n"
	"cfa_by_rbx:\n.cfi_startproc\n"
	"push %rbx\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset rbx, 0\n"
	"mov %rsp, %rbx\n.cfi_def_cfa_register rbx\n"
	"sub $4096, %rsp\nand $-64, %rsp\n"
	"call spin\n"
	"mov %rbx, %rsp\n.cfi_def_cfa_register rsp\n"
	"pop %rbx\n.cfi_adjust_cfa_offset -8\n.cfi_restore rbx\n"
	"ret\n.cfi_endproc\n.size cfa_by_rbx, . - cfa_by_rbx\n"
	/* DW_CFA_def_cfa_expression: the address of the frame lies in memory at rsp. */
	".globl cfa_by_expression\n.type cfa_by_expression, @function\n"
	"cfa_by_expression:\n.cfi_startproc\n"
	"lea 8(%rsp), %rax\n"
	"sub $72, %rsp\n.cfi_adjust_cfa_offset 72\n"
	"mov %rax, (%rsp)\n"
	".cfi_remember_state\n"
	".cfi_escape 0x0f, 3, 0x77, 0, 0x06\n" /* DW_OP_breg7 (rsp) 0, DW_OP_deref */
	"call spin\n"
	".cfi_restore_state\n"
	"add $72, %rsp\n.cfi_adjust_cfa_offset -72\n"
	"ret\n.cfi_endproc\n.size cfa_by_expression, . - cfa_by_expression\n"
	/* Nothing but a frame pointer. */
	".globl no_cfi\n.type no_cfi, @function\n"
	"no_cfi:\npush %rbp\nmov %rsp, %rbp\nsub $128, %rsp\ncall spin\nleave\nret\n"
	".size no_cfi, . - no_cfi\n"
	/* As C libraries have it, without CFI: it is known by its code. */
	".p2align 4\n.globl restorer\n.type restorer, @function\n"
	"nop\nrestorer:\nmov $15, %rax\nsyscall\n.size restorer, . - restorer\n"
	/* Its return address is said to be undefined: here a thread begins. */
	".globl start_thread\n.type start_thread, @function\n"
	"start_thread:\n.cfi_startproc\n"
	"mov $56, %eax\nxor %edx, %edx\nxor %r10d, %r10d\nxor %r8d, %r8d\nsyscall\n"
	"test %eax, %eax\njz 1f\nret\n.cfi_endproc\n"
	".cfi_startproc\n.cfi_undefined rip\n"
	"1: xor %ebp, %ebp\ncall thread_body\n"
	"mov $60, %eax\nxor %edi, %edi\nsyscall\nhlt\n.cfi_endproc\n"
	".size start_thread, . - start_thread\n"
	/* The program's first code, as psABI, 3.4.1 has it. */
	".globl _start\n.type _start, @function\n"
	"_start:\n.cfi_startproc\n.cfi_undefined rip\n"
	"xor %ebp, %ebp\nmov %rsp, %rdi\nand $-16, %rsp\ncall run_all\nhlt\n.cfi_endproc\n"
	".size _start, . - _start\n");

/* The handler runs on the stack that it interrupts, at an instruction that is no call. */
NOINLINE void handler(int number)
{
	(void)number;
	spin();
	KEEP();
}

struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

NOINLINE void interrupted(void)
{
	__asm__ volatile("ud2" ::: "memory");
	KEEP();
}

NOINLINE void skip_instruction(int number, void *info, void *context)
{
	enum { UCONTEXT_RIP_AT = 168, UD2_BYTES = 2 };
	(void)info;
	handler(number);
	*(unsigned long *)((char *)context + UCONTEXT_RIP_AT) += UD2_BYTES;
}

NOINLINE void signal_here(void)
{
	struct kernel_sigaction action = { (void (*)(int))(void *)skip_instruction,
					   SA_RESTORER | SA_SIGINFO, restorer, 0 };
	system_call(__NR_rt_sigaction, SIGILL, (long)&action, 0, 8);
	interrupted();
	KEEP();
}

/* The same, but the handler has a stack of its own: what it interrupted is not in the copy. */
char other_stack[STACK_BYTES] __attribute__((aligned(16)));

NOINLINE void signal_elsewhere(void)
{
	struct kernel_sigaction action = { (void (*)(int))(void *)skip_instruction,
					   SA_RESTORER | SA_SIGINFO | SA_ONSTACK, restorer, 0 };
	struct sigaltstack stack = { other_stack, 0, sizeof(other_stack) };
	system_call(__NR_sigaltstack, (long)&stack, 0, 0, 0);
	system_call(__NR_rt_sigaction, SIGILL, (long)&action, 0, 8);
	interrupted();
	KEEP();
}

char thread_stack[STACK_BYTES] __attribute__((aligned(16)));
volatile int thread_done;

__attribute__((used)) NOINLINE void thread_body(void)
{
	spin();
	thread_done = 1;
}

NOINLINE void thread(void)
{
	start_thread(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD,
		     thread_stack + sizeof(thread_stack));
	while (!thread_done)
		system_call(__NR_sched_yield, 0, 0, 0, 0);
}

__attribute__((used)) void run_all(void)
{
	plain_outer();
	tail_outer();
	dynamic_frame(300 + (sink & 7));
	recursion(DEPTH);
	tiny_caller();
	cfa_by_rbx();
	cfa_by_expression();
	no_cfi();
	signal_here();
	signal_elsewhere();
	thread();
	system_call(__NR_exit_group, 0, 0, 0, 0);
	KEEP();
}
