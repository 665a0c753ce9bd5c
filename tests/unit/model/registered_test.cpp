// The order in which transformers numbers a family's parameters, and which of them its Trainer lets
// decay (tests/goldens/families).

#include <gmock/gmock.h>

#include "checkpoint/trainer_groups.hpp"
#include "unit/golden.hpp"

namespace explaind::testing {
namespace {

TEST(ModuleOrder, IsThatOfTransformersInEveryFamily) {
  size_t families = 0;
  for (const std::string& variant : golden_variants()) {
    const Golden golden(variant);
    const nlohmann::json registered = golden.registered();
    if (registered.empty()) continue;
    ++families;
    std::vector<NamedShape> parameters;
    for (const ParameterInfo& parameter : golden.network().parameters()) {
      parameters.push_back({parameter.name, parameter.shape});
    }
    std::vector<std::string> expected, found;
    for (const nlohmann::json& each : registered) {
      expected.push_back(each[0]);
      EXPECT_EQ(decays_in_trainer(expected.back()), each[1].get<bool>()) << expected.back();
    }
    for (const size_t place : module_order(parameters)) found.push_back(parameters[place].name);
    EXPECT_EQ(found, expected) << variant;
  }
  EXPECT_EQ(families, 15U);
}

}  // namespace
}  // namespace explaind::testing
