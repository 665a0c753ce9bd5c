#include <filesystem>
#include <string>
#include <vector>

#include "config/decompose_options.hpp"
#include "config/parse.hpp"
#include "config/plan_options.hpp"
#include "config/read_options.hpp"
#include "config/record_options.hpp"
#include "fuzz/targets/place.hpp"
#include "fuzz/targets/targets.hpp"

namespace explaind::testing {
namespace {

template <typename Options>
void read_options_of(const std::string& verb, const std::filesystem::path& file) {
  static const std::vector<std::string> names = all_option_names();
  Options options;
  const OptionTable table = option_table(options);
  parse_options(verb, {"--config", file.string()}, table, "", names);
  for (const ResolvedOption& option : resolved(table)) demand(!option.key.empty());
}

}  // namespace

void fuzz_ini(std::string_view bytes) {
  static const TemporaryFolder folder;
  const std::filesystem::path file = folder / "options.ini";
  const unsigned verb = take_choice(bytes);
  put(file, bytes);
  take_or_refuse([&] {
    switch (verb % 4) {
      case 0:
        read_options_of<DecomposeOptions>("decompose", file);
        break;
      case 1:
        read_options_of<RecordOptions>("record", file);
        break;
      case 2:
        read_options_of<PlanOptions>("plan", file);
        break;
      default:
        read_options_of<QueryOptions>("query", file);
    }
  });
}

}  // namespace explaind::testing
