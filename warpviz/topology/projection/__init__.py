"""Point clouds on a plane or in three dimensions: PCA and UMAP."""
