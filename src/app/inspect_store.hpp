#pragma once
// inspect of an influence store.

#include <filesystem>

namespace explaind {

/// Prints what a store holds and how much of it is there: variables, coordinates with their values,
/// origin (with `provenance` all that is known of it), certificates. A file that another program
/// cut out of a store is shown as far as it goes, and called a part.
void inspect_store(const std::filesystem::path& path, bool provenance);

}  // namespace explaind
