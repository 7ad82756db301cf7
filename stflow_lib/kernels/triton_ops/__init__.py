"""Triton kernels and the operators (torch.ops.stflow.*) around them, one operation a file.

Importing a module here imports Triton and registers its operators with torch.library: with a
fake version for compilers, with a gradient where there is one, and mapped by vmap. Each has
`apply`, the operation's public signature, and `unsupported`, what its kernels cannot take.
"""
