#include "api/ranks.hpp"

#include <exception>

#include "checkpoint/lost_file.hpp"
#include "comm/alike.hpp"
#include "comm/run_ranks.hpp"
#include "explaind/error.hpp"
#include "store/hdf5.hpp"

namespace explaind::v1 {

int Ranks::rank() const { return impl_->world.rank(); }
int Ranks::size() const { return impl_->world.size(); }

int run(int argc, char** argv, const std::function<int(const Ranks&)>& body) {
  hdf5::silence();  // before MPI begins, or HDF5 would close files when MPI ends
  return run_ranks(argc, argv, name_lost_files, WatchTerms{}, [&](const Communicator& world) {
    try {
      require_alike(world, own_likeness());
      return explaind::Outcome{.code = body(Ranks(std::make_shared<const Ranks::Impl>(world))),
                               .error = ""};
    } catch (const explaind::Error& error) {  // of require_alike: bodies see the public type alone
      return explaind::Outcome{.code = static_cast<int>(error.exit_code()), .error = error.what()};
    } catch (const v1::Error& error) {
      return explaind::Outcome{.code = error.code(), .error = error.what()};
    } catch (const std::exception& error) {  // the body's own
      return explaind::Outcome{.code = 1, .error = error.what()};
    }
  });
}

}  // namespace explaind::v1
