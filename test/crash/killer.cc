#include "test/crash/killer.h"

#include <unistd.h>

#include <csignal>

namespace knfe::crash {

void say(const std::string& line) {
  const std::string text = line + "\n";
  // Nobody reads any more: then there is nobody to tell that, either.
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) std::raise(SIGKILL);
}

net::Handle Killer::send(net::Request request, std::function<void(Result<net::Response>)> done) {
  if (request.method == "GET") return inner_.send(std::move(request), std::move(done));
  const int number = ++writes_;
  say(std::to_string(number) + " " + request.method + " " + request.target.substr(0, request.target.find('?')));
  if (number == fatal_ && when_ == When::kBefore) std::raise(SIGKILL);
  if (number == fatal_ && when_ == When::kAfter) {
    done = [](Result<net::Response>) { std::raise(SIGKILL); };
  }
  return inner_.send(std::move(request), std::move(done));
}

}  // namespace knfe::crash
