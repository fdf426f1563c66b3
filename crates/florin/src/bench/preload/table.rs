//! Rows for one table, as `COPY` takes them.

use anyhow::Context as _;
use sqlx::postgres::PgCopyIn;
use sqlx::{Connection as _, PgConnection};

/// What is sent at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// A connection that may write a table without anybody asking questions: no trigger, no foreign
/// key, and no wait for the disk. Only the owner of the server may do so.
pub async fn connect(url: &str) -> anyhow::Result<PgConnection> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql("SET session_replication_role = replica; SET synchronous_commit = off")
        .execute(&mut connection)
        .await
        .context("only the owner of a server may preload it")?;
    Ok(connection)
}

/// A table that is being filled.
pub struct Filling<'a> {
    copy: PgCopyIn<&'a mut PgConnection>,
    buffer: Vec<u8>,
}

impl<'a> Filling<'a> {
    /// Begins; `target` is the table with its columns.
    pub async fn begin(
        connection: &'a mut PgConnection,
        target: &'static str,
    ) -> anyhow::Result<Self> {
        let statement = format!("COPY {target} FROM STDIN");
        Ok(Self {
            copy: connection.copy_in_raw(&statement).await?,
            buffer: Vec::with_capacity(CHUNK_BYTES * 2),
        })
    }

    /// Adds a row: its fields, with tabulators between them. None of ours needs escaping.
    pub async fn row(&mut self, fields: &str) -> anyhow::Result<()> {
        self.buffer.extend_from_slice(fields.as_bytes());
        self.buffer.push(b'\n');
        if self.buffer.len() >= CHUNK_BYTES {
            self.copy.send(self.buffer.as_slice()).await?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Ends, and the rows are there.
    pub async fn end(mut self) -> anyhow::Result<()> {
        self.copy.send(self.buffer.as_slice()).await?;
        self.copy.finish().await?;
        Ok(())
    }
}
