"""What is said in the pictures, in both languages."""

from __future__ import annotations

from dataclasses import dataclass

CODE = '''\
```python
def fibonacci(n: int) -> int:
    """The n-th Fibonacci number, counting from zero."""
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
```
'''


@dataclass(frozen=True, slots=True)
class Script:
    question: str
    answer: str
    title: str
    second: str
    cut: str


ENGLISH = Script(
    question="Write a Python function for Fibonacci numbers, and tell me how fast it is.",
    title="Fibonacci Numbers in Python",
    answer=f"""\
Here is one that keeps nothing but the last two numbers:

{CODE}
How it compares:

| Method | Time | Memory |
|---|---|---|
| Loop | O(n) | O(1) |
| Recursion | O(2ⁿ) | O(n) |
| Matrix power | O(log n) | O(1) |

- For **small** n the loop is best.
- For *very large* n, use [matrix powers](https://en.wikipedia.org/wiki/Fibonacci_sequence).
""",
    second="And how do you prove that it is right?",
    cut="The one of two twins. One of them travels to the stars and back; when she returns, her bro",
)
VIETNAMESE = Script(
    question="Viết một hàm Python tính số Fibonacci và cho tôi biết nó nhanh thế nào.",
    title="Số Fibonacci trong Python",
    answer=f"""\
Đây là một hàm chỉ giữ lại hai số cuối cùng:

{CODE}
So sánh các cách:

| Cách | Thời gian | Bộ nhớ |
|---|---|---|
| Vòng lặp | O(n) | O(1) |
| Đệ quy | O(2ⁿ) | O(n) |
| Lũy thừa ma trận | O(log n) | O(1) |

- Với n **nhỏ**, vòng lặp là tốt nhất.
- Với n *rất lớn*, hãy dùng [lũy thừa ma trận](https://vi.wikipedia.org/wiki/Dãy_Fibonacci).
""",
    second="Làm sao chứng minh rằng nó đúng?",
    cut="Nghịch lý về hai người sinh đôi. Một người đi đến các vì sao rồi quay về; khi cô trở lại, người anh",
)
SCRIPTS = {"en": ENGLISH, "vi": VIETNAMESE}
OTHERS = [
    "Plan a weekend in Huế",
    "Tiếng Việt: thư xin nghỉ phép",
    "Regular expressions for dates",
    "Dinner for six, no nuts",
    "Averyveryverylongtitlewithoutanyspaceatallthatmustnotbreakthesidebar",
    "كيف أتعلم البرمجة؟",
]
