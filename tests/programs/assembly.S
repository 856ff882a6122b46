// SPDX-License-Identifier: MIT
// Hand-written assembly whose only description is its CFI: no frame pointer, a stack that moves
// while it works, a register used as the frame's base, a callee-saved register in another place.
	.text

	// asm_moving(steps): pushes and pops in the loop, so that half of all samples see another CFA.
	.globl	asm_moving
	.type	asm_moving, @function
asm_moving:
	.cfi_startproc
1:	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	imulq	$3, %rdi, %rax
	imulq	$3, %rax, %rax
	imulq	$3, %rax, %rax
	subq	$2000, %rsp
	.cfi_adjust_cfa_offset 2000
	imulq	$3, %rax, %rax
	imulq	$3, %rax, %rax
	imulq	$3, %rax, %rax
	addq	$2000, %rsp
	.cfi_adjust_cfa_offset -2000
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	decq	%rdi
	jnz	1b
	ret
	.cfi_endproc
	.size	asm_moving, .-asm_moving

	// asm_rebased(steps): the CFA comes from rbx, the stack is aligned to 256 bytes.
	.globl	asm_rebased
	.type	asm_rebased, @function
asm_rebased:
	.cfi_startproc
	pushq	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset %rbx, -16
	movq	%rsp, %rbx
	.cfi_def_cfa_register %rbx
	subq	$512, %rsp
	andq	$-256, %rsp
	call	asm_moving
	movq	%rbx, %rsp
	.cfi_def_cfa_register %rsp
	popq	%rbx
	.cfi_def_cfa_offset 8
	.cfi_restore %rbx
	ret
	.cfi_endproc
	.size	asm_rebased, .-asm_rebased
	.section .note.GNU-stack, "", @progbits
