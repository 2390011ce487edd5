"""The portal: who may see what of the published snapshot, and a small read-only API over the store."""
