#include "explaind/store.hpp"

#include "api/errors.hpp"
#include "store/query.hpp"
#include "store/store_reader.hpp"

namespace explaind::v1 {

class Store::Impl {
 public:
  explicit Impl(const std::string& path) : reader(path) {}
  StoreReader reader;
};

Store Store::open(const std::string& path) {
  hdf5::silence();
  return translated([&] { return Store(std::make_shared<const Impl>(path)); });
}

std::vector<std::string> Store::variables() const {
  return translated([&] {
    std::vector<std::string> names;
    for (const StoredVariable& each : impl_->reader.variables()) names.push_back(each.name);
    return names;
  });
}

Array Store::read(const std::string& variable) const {
  return translated([&] {
    const StoredVariable found = impl_->reader.variable(variable);
    return Array{.axes = found.dims, .shape = found.shape, .values = impl_->reader.read(variable)};
  });
}

std::vector<std::string> Store::labels(const std::string& coordinate) const {
  return translated([&] {
    if (impl_->reader.is_text(coordinate)) return impl_->reader.texts(coordinate);
    std::vector<std::string> texts;
    for (const int64_t each : impl_->reader.numbers(coordinate)) {
      texts.push_back(std::to_string(each));
    }
    return texts;
  });
}

Table Store::query(const Query& query) const {
  return translated([&] {
    explaind::Query asked;
    asked.variable = query.variable;
    asked.group_by = query.group_by;
    asked.select = query.select;
    asked.sum = query.sum;
    asked.mean = query.mean;
    asked.top = query.top;
    QueryResult found = explaind::run(impl_->reader, asked);
    Table table{.columns = {},
                .keys = std::move(found.keys),
                .values = std::move(found.values),
                .units = found.units};
    for (const QueryResult::Column& column : found.columns) table.columns.push_back(column.name);
    return table;
  });
}

}  // namespace explaind::v1
