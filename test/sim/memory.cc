// Memory of the simulator: one thread takes and gives back the same sizes again and again, so each size has a list of its own.
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t kStep = 16, kLargest = 32 * 1024, kChunk = 2 * 1024 * 1024;

struct Free {
  Free* next;
};
Free* free_lists[kLargest / kStep + 1];
char* chunk = nullptr;
std::size_t left = 0;

// Large ones are the C library's, and say so.
struct alignas(kStep) Head {
  std::size_t of;
};

void* take(std::size_t size) {
  const std::size_t of = (size + sizeof(Head) + kStep - 1) / kStep;
  if (of > kLargest / kStep) {
    auto* large = static_cast<Head*>(std::malloc(size + sizeof(Head)));
    if (!large) std::abort();
    large->of = 0;
    return large + 1;
  }
  if (Free* found = free_lists[of]) {
    free_lists[of] = found->next;
    return found;
  }
  if (left < of * kStep) {
    chunk = static_cast<char*>(std::aligned_alloc(kChunk, kChunk));
    if (!chunk) std::abort();
    ::madvise(chunk, kChunk, MADV_HUGEPAGE);
    left = kChunk;
  }
  auto* head = new (chunk) Head{of};
  chunk += of * kStep;
  left -= of * kStep;
  return head + 1;
}

void give_back(void* pointer) noexcept {
  if (!pointer) return;
  auto* head = static_cast<Head*>(pointer) - 1;
  if (head->of == 0) return std::free(head);
  auto* one = static_cast<Free*>(pointer);
  one->next = free_lists[head->of];
  free_lists[head->of] = one;
}

}  // namespace

void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void operator delete(void* pointer) noexcept { give_back(pointer); }
void operator delete[](void* pointer) noexcept { give_back(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { give_back(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { give_back(pointer); }
