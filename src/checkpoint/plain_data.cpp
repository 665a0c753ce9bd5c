#include "checkpoint/plain_data.hpp"

namespace explaind {
namespace {

template <typename Key>
const PlainData* find_in(const PlainData& data, const Key& key) {
  const auto* object = data.as<PlainObject>();
  const PlainData& fields = object != nullptr && !object->state.empty() ? object->state[0] : data;
  const auto* dict = fields.as<PlainDict>();
  if (dict == nullptr) return nullptr;
  for (size_t i = 0; i < dict->keys.size(); ++i) {
    const Key* here = dict->keys[i].as<Key>();
    if (here != nullptr && *here == key) return &dict->values[i];
  }
  return nullptr;
}

}  // namespace

const PlainData* PlainData::find(std::string_view key) const { return find_in(*this, key); }
const PlainData* PlainData::find(int64_t key) const { return find_in(*this, key); }

}  // namespace explaind
