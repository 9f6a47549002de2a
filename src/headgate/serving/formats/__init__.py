"""Wire protocols: one file each, all over the same contract, batching and limits."""
