//! Host side of the harness: kernels, images, VMs, recordings, verdicts.
