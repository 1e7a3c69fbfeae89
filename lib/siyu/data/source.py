"""Open a merchant's data as Ibis tables in the shape of the contract."""
