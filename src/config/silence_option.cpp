#include "config/silence_option.hpp"

#include "config/bindings.hpp"

namespace explaind {

Option silence_option(std::optional<double>& field) {
  return optional_number_option(
      {"silence", "SECONDS",
       "under mpirun and srun: a rank of which nothing is heard for so long is lost, and the job "
       "ends with exit code 70. 0: ranks do not watch each other. If not given: 60",
       Role::execution, false, true},
      field);
}

}  // namespace explaind
