"""Questions that the store keeps under names: written as JSON, and never evaluated."""
