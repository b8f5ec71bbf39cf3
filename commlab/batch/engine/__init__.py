"""A papermill engine that runs each notebook in its own fork of a process that has only imported.

- ``zygote``  the process that imports everything once and forks; runs no report itself, has one thread
- ``shell``   the IPython shell inside a fork: cells in, outputs out, no sockets, no kernel
- ``client``  the zygote as seen from papermill's process
- ``forked``  the engine, entry point ``commlab-fork``: ``papermill in.ipynb out.ipynb --engine commlab-fork``

Linux only. Where it does not work, ordinary kernels give the same results more slowly.
"""
