{{ report_status('anthropic', ref('stg_anthropic__usage'), ref('stg_anthropic__costs')) }}
