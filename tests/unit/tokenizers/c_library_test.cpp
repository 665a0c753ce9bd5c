// Oniguruma has functions of the C library's names; nobody else must get them.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>

namespace explaind {
namespace {

TEST(CLibrary, KeepsItsOwnRegularExpressions) {
  for (const char* name : {"regcomp", "regexec", "regfree", "regerror"}) {
    Dl_info found{};
    ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, name), &found), 0) << name;
    EXPECT_NE(std::string(found.dli_fname).find("libc."), std::string::npos)
        << name << " is of " << found.dli_fname;
  }
}

}  // namespace
}  // namespace explaind
