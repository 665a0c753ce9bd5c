#include "app/formats/result_writer.hpp"

#include <utility>

#include "app/formats/writers.hpp"

namespace explaind {

ResultHead head_of(const QueryResult& result, const Query& query, std::string store) {
  ResultHead head{.result = result, .columns = {}, .store = std::move(store)};
  head.columns.push_back({result.variable, &QueryResult::values});
  if (query.error) head.columns.push_back({"standard_error", &QueryResult::errors});
  if (query.bootstrap.times > 0) {
    head.columns.push_back({"interval_low", &QueryResult::low});
    head.columns.push_back({"interval_high", &QueryResult::high});
  }
  return head;
}

bool is_array_format(const std::string& format) {
  return format == "npy" || format == "netcdf" || format == "zarr";
}

bool needs_place(const std::string& format) {
  return format == "parquet" || format == "arrow" || format == "netcdf" || format == "zarr";
}

std::unique_ptr<ResultWriter> result_writer(const std::string& format, const ResultHead& head,
                                            const std::optional<std::filesystem::path>& output,
                                            const LineStyle& style) {
  if (format == "csv") return csv_writer(head, ByteOutput(output), style);
  if (format == "json") return json_writer(head, ByteOutput(output), style);
  if (format == "npy") return npy_writer(head, ByteOutput(output));
  if (format == "netcdf") return netcdf_writer(head, output.value());
  if (format == "zarr") return zarr_writer(head, output.value());
  return table_writer(head, output.value(),
                      format == "parquet" ? TableFile::Form::parquet : TableFile::Form::arrow);
}

}  // namespace explaind
