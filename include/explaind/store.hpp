#pragma once
// Reading an influence store: explaind::StoreReader, and queries: explaind::run(store, Query).

#include "store/query.hpp"
#include "store/store_reader.hpp"
