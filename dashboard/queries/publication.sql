-- when the file was made and by which run
select
    as_of,
    run_id,
    complete_through
from publication
