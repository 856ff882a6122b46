// SPDX-License-Identifier: MIT
int nothing(int x);
int nothing(int x)
{
	return x;
}
