from app.errors import AppError, Detail, NotFound, StorageFull


def every_error(base: type[AppError] = AppError) -> list[type[AppError]]:
    return [base, *(error for child in base.__subclasses__() for error in every_error(child))]


def test_every_error_has_a_status_a_code_of_its_own_and_a_sentence() -> None:
    errors = every_error()
    assert len({error.code for error in errors}) == len(errors)
    for error in errors:
        assert 400 <= error.status < 600
        assert error().message.endswith(".")
        assert "\n" not in error().message


def test_the_docstring_is_the_message_unless_there_is_a_better_one() -> None:
    assert str(StorageFull()) == (StorageFull.__doc__ or "")
    assert str(NotFound("No such page.")) == "No such page."
    assert NotFound(errors=[Detail("name", "is empty")]).errors == (Detail("name", "is empty"),)
