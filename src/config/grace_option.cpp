#include "config/grace_option.hpp"

#include "config/bindings.hpp"

namespace explaind {

Option grace_option(std::optional<double>& field) {
  return optional_number_option(
      {"grace", "SECONDS",
       "after SIGTERM, for what is in work to be finished; then it is given up and the program "
       "ends. If not given: 1 under mpirun, which kills its ranks then, 25 under srun, else 8",
       Role::execution, false, true},
      field);
}

}  // namespace explaind
