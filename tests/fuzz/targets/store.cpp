// Our code above HDF5: a store of a few kept ones, changed by HDF5 as the bytes say, is opened,
// shown and asked.

#include <filesystem>
#include <string>
#include <vector>

#include "fuzz/targets/place.hpp"
#include "fuzz/targets/store_changes.hpp"
#include "fuzz/targets/targets.hpp"
#include "store/hdf5.hpp"
#include "store/query.hpp"
#include "store/store_reader.hpp"
#include "store/structure_walk.hpp"

namespace explaind::testing {
namespace {

/// A kept store that is copied before each change.
struct KeptStore {
  std::filesystem::path path;
  std::vector<StoredObject> objects;
};

std::vector<KeptStore> kept_stores() {
  hdf5::silence();
  std::vector<KeptStore> stores;
  const std::filesystem::path folder = std::filesystem::path(EXPLAIND_TEST_DATA) / "stores";
  for (const char* name : {"version2/psi.h5", "version2/groups.h5", "version2/training_axis.h5",
                           "version2/parameter.h5", "version1/psi.h5"}) {
    stores.push_back({folder / name, objects_of(folder / name)});
  }
  return stores;
}

void show(const StoreReader& store) {
  static_cast<void>(store.attributes());
  static_cast<void>(store.sizes());
  for (const std::vector<StoredVariable>& variables :
       {store.variables(), store.dense_variables()}) {
    for (const StoredVariable& each : variables) {
      demand(each.dims.size() == each.shape.size());
      static_cast<void>(store.unit(each.name));
      static_cast<void>(store.number_of(each.name));
    }
  }
}

Query asked(Choices& choices) {
  const std::vector<std::string> coordinates{
      "kind",  "layer",  "id",       "group",        "step_to", "component", "head",
      "index", "output", "position", "train_sample", "tensor",  "segment",   "tokens_to"};
  Query query;
  for (size_t i = choices.below(4); i > 0; --i)
    query.group_by.push_back(coordinates[choices.below(coordinates.size())]);
  if (choices.below(3) == 0)
    query.select = {coordinates[choices.below(coordinates.size())] + "=" + choices.text()};
  if (choices.below(4) == 0)
    query.variable = std::vector<std::string>{"psi_data", "residual", "node_count", "committed",
                                              "step_from"}[choices.below(5)];
  query.share_key_value_heads = choices.below(4) == 0;
  query.whole = choices.below(2) == 0;
  query.error = choices.below(4) == 0;
  query.cumulative = choices.below(8) == 0;
  query.bootstrap.times = static_cast<int64_t>(choices.below(3));
  if (choices.below(6) == 0) query.absolute = {"segment", "sample"};
  if (choices.below(6) == 0) query.share = {"all"};
  return query;
}

}  // namespace

void fuzz_store(std::string_view bytes) {
  static const std::vector<KeptStore> stores = kept_stores();
  static const TemporaryFolder folder;
  const std::filesystem::path file = folder / "store.h5";
  Choices choices(bytes);
  const KeptStore& kept = stores[choices.below(stores.size())];
  std::filesystem::copy_file(kept.path, file, std::filesystem::copy_options::overwrite_existing);
  const bool walked = choices.below(8) == 0;
  const Query query = asked(choices);
  change_store(file, kept.objects, choices);
  take_or_refuse([&] {
    const StoreReader store(file);
    if (walked) {
      static_cast<void>(
          walk_structure(file, [](const std::string& object) { demand(!object.empty()); }));
    }
    take_or_refuse([&] { show(store); });
    const QueryResult result = run(store, query);
    demand(result.keys.size() == result.values.size());
  });
}

}  // namespace explaind::testing
