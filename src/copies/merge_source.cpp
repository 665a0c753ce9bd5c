#include "copies/merge_source.hpp"

#include <fmt/format.h>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "store/layout.hpp"

namespace explaind {
namespace {

void require_finished(const MergeSource& source) {
  int64_t missing = 0;
  std::string first;
  for (int64_t index = 0; index < source.shape.units.size(); ++index) {
    const Unit unit = source.shape.units.unit(index);
    if (source.shape.is_committed(unit)) continue;
    if (missing++ == 0) first = source.shape.name_of(unit);
  }
  if (missing == 0) return;
  throw DataError(
      source.name(),
      fmt::format("is not finished: {} of {} {} missing, the first of them {}", missing,
                  counted(source.shape.units.size(), "unit"), missing == 1 ? "is" : "are", first),
      "Bring it to its end with explaind decompose --resume, then merge");
}

}  // namespace

MergeSource::MergeSource(const std::filesystem::path& path)
    : store(path), shape(store), file(open_to_read(path)), outline() {
  if (store.version() != store_version) {
    throw DataError(name(),
                    fmt::format("is in layout {}, and only stores of layout {} are merged",
                                store.version(), store_version),
                    "Compute it anew with explaind decompose");
  }
  if (!shape.part.empty() || !shape.units_doubt.empty()) {
    throw DataError(
        name(),
        shape.part.empty() ? shape.units_doubt : "is a part of a store (" + shape.part + ")",
        "Merge the store as explaind decompose wrote it");
  }
  for (const auto& [key, value] : store.attributes()) said[key] = value;
  configuration = nlohmann::ordered_json::parse(text("configuration"), nullptr, false);
  inputs = nlohmann::ordered_json::parse(text("inputs"), nullptr, false);
  const bool known = configuration.is_object() && inputs.is_object() && inputs.contains("series") &&
                     inputs.contains("samples") && !text("identity").empty();
  if (!known) {
    throw DataError(name(), "does not say what it was made from",
                    "Merge the store as explaind decompose wrote it");
  }
  require_finished(*this);
  outline = outline_of(file.handle.get(), name());
}

std::string MergeSource::text(const std::string& key) const {
  const auto found = said.find(key);
  return found == said.end() ? "" : found->second;
}

}  // namespace explaind
